/** The routes of this node for `skywire routes`: what each direction keeps, and how it goes. */
import type { LinkId, RouteHandle } from '../base/ids.ts';
import { BULK } from '../base/traffic-class.ts';
import type { RouteContext } from './route-context.ts';
import type { RouteRow } from './route-status.ts';
import { NO_PORT, TOWARDS_DESTINATION } from './route-table.ts';

/** A row for each direction of a route in which something flowed lately, `most` at the most. */
export function routeRows(context: RouteContext, most: number): RouteRow[] {
  const rows: RouteRow[] = [];
  const { buffers, rooms } = context.flows.live;
  for (const { half } of buffers) {
    if (rows.length >= most) return rows;
    rows.push(rowOf(context, half));
  }
  for (const { half } of rooms) {
    if (rows.length >= most) return rows;
    if (context.flows.bufferIfLive(half ^ 1) === undefined) rows.push(rowOf(context, half ^ 1));
  }
  return rows;
}

/** `out`: the half by which this direction leaves the node, or the half without a port where it ends. */
function rowOf({ table, neighbours, ends, flows }: RouteContext, out: number): RouteRow {
  const slot = out >> 1;
  const linkAt = (half: number): LinkId | undefined =>
    table.portOf(half) === NO_PORT ? undefined : neighbours.ofPort(table.portOf(half)).link;
  const buffer = flows.bufferIfLive(out);
  const room = flows.roomIfLive(out ^ 1);
  const bound = room?.bound ?? buffer?.intake?.bound;
  const end = ends.ofSlot(slot);
  const trafficClass = table.classOf(slot);
  const needsCredit = buffer !== undefined && trafficClass === BULK;
  return {
    role: end === undefined ? 'relay' : (end.half & 1) === TOWARDS_DESTINATION ? 'origin' : 'destination',
    handle: end?.handle as RouteHandle | undefined,
    direction: (out & 1) === TOWARDS_DESTINATION ? 'forward' : 'backward',
    trafficClass,
    deliveryMs: table.deliveryOf(slot),
    fromLink: linkAt(out ^ 1),
    toLink: linkAt(out),
    bufferedBytes: buffer?.heldBytes ?? room?.stored ?? 0,
    boundBytes: Math.max(bound?.bytes ?? 0, room?.promised ?? buffer?.intake?.grantedBytes ?? 0),
    creditBytes: needsCredit ? buffer.limit - buffer.sent : undefined,
    rateBytesPerMs: bound?.rateBytesPerMs ?? 0,
    forwardedBytes: buffer?.forwardedBytes ?? room?.received ?? 0,
    retransmittedPieces: buffer?.retransmittedPieces ?? 0,
    gonePieces: buffer?.gonePieces ?? 0,
  };
}
