/**
 * Routes: sets them up, carries pieces along them, takes them down (docs/protocol.md sections 3.3, 4 and 5).
 *
 * A route is there or it is not: it appears when its set-up is accepted, and goes with ROUTE_FAILED, TEARDOWN,
 * ROUTE_UNKNOWN, a lost link, or idleness. An origin does not learn that its set-up arrived, and does not time it out:
 * the layer above hears from the other end, or closes the route.
 *
 * This class is the way in; the parts: set-ups.ts, removal.ts (how routes end), forwarding.ts (pieces and room), route-ends.ts
 * (messages), parked-pieces.ts, flows.ts. Their timers are theirs.
 */
import type { LinkId, NodeKey, RouteHandle } from '../base/ids.ts';
import { parseRouteControl } from '../wire/channel0.ts';
import type { LoadFrame } from '../wire/frames.ts';
import { MemoryShare } from './buffers/memory-share.ts';
import { PieceStore } from './buffers/piece-store.ts';
import { Flows } from './flows.ts';
import { Forwarding } from './forwarding.ts';
import { type Neighbour, Neighbours } from './neighbours.ts';
import { Reassembler } from './reassembly.ts';
import { RouteRemoval } from './removal.ts';
import type { RouteContext, RouteEnvironment } from './route-context.ts';
import { RouteEnds } from './route-ends.ts';
import type { RouteFailure } from './route-failure.ts';
import { routeRows } from './route-rows.ts';
import type { RouteRow, RouteStatus } from './route-status.ts';
import { RouteTable } from './route-table.ts';
import { ParkedPieces } from './set-up/parked-pieces.ts';
import type { FinalHop } from './set-up/set-up.ts';
import { SetUps } from './set-up/set-ups.ts';
import { ALL_ALIKE, type TransitOptions } from './transit/transit-options.ts';
import { DEFAULT_MEMORY_BYTES, ROUTE_TUNING, type RouteTuning } from './tuning.ts';

export interface RouteLayerOptions extends RouteEnvironment {
  /** For the pieces of all routes; at least 128 KiB. */
  readonly memoryBytes?: number;
  /** What routes that pass through get of the links; all alike when missing. */
  readonly transit?: TransitOptions;
  readonly tuning?: Partial<RouteTuning>;
}

export class RouteLayer {
  /** What links ask for frames and hand pieces and room to. */
  readonly forwarding: Forwarding;
  private readonly context: RouteContext;
  private readonly store: PieceStore;
  private readonly share: MemoryShare;
  private readonly reassembler: Reassembler;
  private readonly removal: RouteRemoval;
  private readonly parked: ParkedPieces;
  private readonly setUps: SetUps;
  private transit: TransitOptions;

  constructor(o: RouteLayerOptions) {
    const { random, links, events, drops } = o;
    const tuning = { ...ROUTE_TUNING, ...o.tuning };
    const store = new PieceStore(o.memoryBytes ?? DEFAULT_MEMORY_BYTES);
    const share = new MemoryShare(store.blocks.limitBytes, tuning);
    const table = new RouteTable(random, tuning.maxRoutes);
    const neighbours = new Neighbours(tuning);
    const flows = new Flows({ table, neighbours, links, store, share, tuning });
    this.reassembler = new Reassembler(store, share, tuning, drops);
    const ends = new RouteEnds({ table, flows, store, share, reassembler: this.reassembler, events });
    this.context = { ...o, tuning, table, neighbours, flows, ends };
    this.transit = o.transit ?? ALL_ALIKE;
    this.store = store;
    this.share = share;
    this.removal = new RouteRemoval(this.context);
    this.parked = new ParkedPieces(this.context);
    this.setUps = new SetUps(this.context, this.removal, share);
    this.forwarding = new Forwarding({ table, neighbours, flows, store, ends, unknown: this.parked, drops, tuning });
  }

  /**
   * Sends a set-up along `path` (1 to 10 points, neighbour first, destination last). The route can be sent on at once.
   * `no-such-link` when the first is no neighbour that is up, `limit` when there are too many routes or the link has
   * no room.
   */
  open(path: readonly NodeKey[], final: FinalHop, now: number): RouteHandle | RouteFailure {
    return this.setUps.open(path, final, now);
  }

  /** Sends a message of 1 to 65,535 bytes. Its number, or -1: there is no room, or no route. */
  send(route: RouteHandle, message: Uint8Array, now: number): number {
    return this.context.ends.send(route, message, now);
  }

  /** Bytes of messages that `send` takes now; an empty buffer takes any message. `writable` follows when it is too little. */
  room(route: RouteHandle, now: number): number {
    return this.context.ends.room(route, now);
  }

  /** Tells the other end, behind what was sent before, and forgets the route; no event follows. Nothing happens when it is gone already. */
  close(route: RouteHandle, now: number): void {
    const end = this.context.ends.get(route);
    if (end === undefined) return;
    end.isClosed = true;
    this.removal.leave(end.half, now);
  }

  /** What routes that pass through get of the links beside the node's own; may change at any time. */
  setTransit(transit: TransitOptions, now: number): void {
    this.transit = transit;
    for (const neighbour of this.context.neighbours.all()) this.applyTransit(neighbour, now);
    this.context.flows.requeue(now);
  }

  linkUp(link: LinkId, _peer: NodeKey, now: number): void {
    const neighbour = this.context.neighbours.add(link, this.context.links.measures(link));
    this.applyTransit(neighbour, now);
  }

  linkDown(link: LinkId, _peer: NodeKey, now: number): void {
    const neighbour = this.context.neighbours.ofLink(link);
    if (neighbour === undefined) return;
    this.context.neighbours.lose(neighbour);
    this.parked.forget(neighbour);
    this.removal.linkLost(neighbour, now);
  }

  /** SETUP, ROUTE_FAILED, TEARDOWN or ROUTE_UNKNOWN, kind byte included. */
  channelMessage(link: LinkId, message: Uint8Array, now: number): void {
    const { neighbours, drops } = this.context;
    const from = neighbours.ofLink(link);
    if (from === undefined) {
      drops.count('route-link-unknown');
      return;
    }
    const control = parseRouteControl(message);
    switch (control?.kind) {
      case undefined:
        drops.count('route-control-malformed');
        break;
      case 'setup': {
        const id = this.setUps.received(from, control.onion, now);
        if (id !== undefined) this.parked.unpark(from, id, (piece) => this.forwarding.data(link, piece, now));
        break;
      }
      case 'route-failed':
        this.removal.failed(from, control.routeId, control.errorOnion, now);
        break;
      case 'teardown':
        this.removal.tornDown(from, control.routeId, now);
        break;
      case 'route-unknown':
        this.removal.forgotten(from, control.routeId, now);
        break;
    }
  }

  /** The neighbour says how busy its direction of the link is. */
  load(link: LinkId, load: LoadFrame): void {
    this.context.neighbours.ofLink(link)?.transit.heard(load);
  }

  wake(now: number): void {
    this.removal.wake(now);
    this.parked.wake(now);
    this.forwarding.wake(now);
  }

  nextWakeAt(): number {
    return Math.min(this.removal.nextWakeAt(), this.parked.nextWakeAt(), this.context.flows.nextWakeAt());
  }

  status(): RouteStatus {
    const { table, ends, flows } = this.context;
    const { blocks } = this.store;
    return {
      relayed: table.count - ends.size,
      origin: ends.origins,
      destination: ends.size - ends.origins,
      forwardedPieces: this.forwarding.pieces,
      forwardedBytes: this.forwarding.bytes,
      parkedBytes: this.parked.bytes,
      unfinishedMessages: this.reassembler.unfinished,
      tableBytes: table.memoryBytes + flows.memoryBytes,
      memory: {
        usedBytes: blocks.usedBytes,
        limitBytes: blocks.limitBytes,
        promisedBytes: this.share.committedBytes,
        promiseLimitBytes: this.share.limitBytes,
      },
    };
  }

  /** The routes through which something flowed lately, a row for each direction; at most `most`. */
  rows(most: number): RouteRow[] {
    return routeRows(this.context, most);
  }

  private applyTransit(neighbour: Neighbour, now: number): void {
    neighbour.transit.set(this.transit, now);
    neighbour.scheduler.ownFirst = this.transit.ownFirst;
  }
}
