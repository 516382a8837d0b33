/** What the route layer works with. */
import type { Drops } from '../base/drops.ts';
import type { Log, RandomSource } from '../base/env.ts';
import type { LinkId, NodeKey } from '../base/ids.ts';
import type { Curve } from '../crypto/curve.ts';
import type { Identity } from '../crypto/identity.ts';
import { CHANNEL_0 } from '../wire/channel0.ts';
import type { Flows } from './flows.ts';
import type { Neighbour, Neighbours } from './neighbours.ts';
import type { RouteEnds } from './route-ends.ts';
import type { LinkPort, RouteEvents } from './route-ports.ts';
import type { RouteTable } from './route-table.ts';
import type { RouteTuning } from './tuning.ts';

/** What the layer is given. */
export interface RouteEnvironment {
  readonly identity: Identity;
  readonly curve: Curve;
  readonly random: RandomSource;
  readonly links: LinkPort;
  readonly events: RouteEvents;
  readonly drops: Drops;
  readonly log: Log;
  /** Unix ms, for the expiry of set-ups. */
  readonly wallMs: () => number;
}

/** What its parts share. */
export interface RouteContext extends RouteEnvironment {
  readonly tuning: RouteTuning;
  readonly table: RouteTable;
  readonly neighbours: Neighbours;
  readonly flows: Flows;
  readonly ends: RouteEnds;
}

/** Best effort: who does not hear that a route is gone learns it from ROUTE_UNKNOWN or forgets it when it is idle. */
export function tell({ neighbours, links, drops }: RouteContext, port: number, message: Uint8Array): void {
  const { link, up } = neighbours.ofPort(port);
  if (!up || !links.sendChannel(link, CHANNEL_0, message)) drops.count('route-control-unsent');
}

/** Undefined when there is no link to this node. */
export function neighbourOf({ links, neighbours }: RouteContext, peer: NodeKey): Neighbour | undefined {
  const link: LinkId | undefined = links.linkOf(peer);
  return link === undefined ? undefined : neighbours.ofLink(link);
}
