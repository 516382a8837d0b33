/** What `skywire routes` shows of a session. */
import type { NodeKey } from '../base/ids.ts';
import type { DeliveryMs, TrafficClass } from '../base/traffic-class.ts';
import type { ResequencerCounters } from './resequencer.ts';
import type { BundleRoute, RouteState } from './routes/bundle-route.ts';
import type { ParkReason } from './routes/route-set.ts';

/** `lost`: it was up and has no route that is; `opening`: it has not been up yet. */
export type SessionState = 'opening' | 'up' | 'lost' | 'closed';

export interface RouteStatus {
  readonly index: number;
  /** Neighbour first, destination last; only the client knows it. */
  readonly path: readonly NodeKey[] | undefined;
  readonly trafficClass: TrafficClass;
  readonly deliveryMs: DeliveryMs;
  readonly state: RouteState;
  /** Why it carries nothing that this end sends although it is up. */
  readonly parked: ParkReason | undefined;
  /** Whether what the link seals is sealed for the other end of the session, too. */
  readonly seal: 'end-to-end' | 'link';
  /** Smoothed; undefined before the first answer. */
  readonly roundTripMs: number | undefined;
  readonly roundTripVarMs: number;
  /** Without what the route's own buffer adds while it is full; undefined before the first answer. */
  readonly settledRoundTripMs: number | undefined;
  /** What the route would take now. */
  readonly roomBytes: number;
  /** Application bytes that the other end has not reported yet. */
  readonly inFlightBytes: number;
  /** Application bytes that the other end reported. */
  readonly deliveredBytes: number;
  /** Route messages, all kinds, sealed. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Messages. */
  readonly lost: number;
  /** Messages that went out again over another route. */
  readonly resent: number;
  readonly lastHeardMsAgo: number;
}

/** Why a route last could not be used: `hop` 0 is this node, k the k-th of the path. */
export interface SessionFailure {
  readonly hop: number;
  readonly reason: string;
}

export interface SessionStatus {
  readonly id: number;
  readonly role: 'client' | 'service';
  readonly state: SessionState;
  /** The key epoch sent under. */
  readonly epoch: number;
  readonly rekeys: number;
  /** Of the Bulk queue. */
  readonly queueBytes: number;
  /** Messages dropped there because they waited too long or were too many. */
  readonly queueDrops: number;
  /** Messages that got a congestion mark instead. */
  readonly queueMarks: number;
  readonly realTimeQueueBytes: number;
  /** Messages that grew too old there or were too many. */
  readonly realTimeDrops: number;
  /** Real Time messages that came again. */
  readonly realTimeDuplicates: number;
  /** Real Time messages that went out over two routes. */
  readonly realTimeTwice: number;
  readonly resequencer: ResequencerCounters;
  /** Since bytes last came back from the other end; undefined before the first. */
  readonly lastHeardMsAgo: number | undefined;
  readonly lastFailure: SessionFailure | undefined;
  readonly routes: readonly RouteStatus[];
}

/** `roomBytes` and `parked` as the session's `RoutePort` and `RouteSet` tell. */
export function routeStatus(
  route: BundleRoute,
  roomBytes: number,
  parked: ParkReason | undefined,
  now: number,
): RouteStatus {
  return {
    index: route.index,
    path: route.path,
    trafficClass: route.trafficClass,
    deliveryMs: route.deliveryMs,
    state: route.state,
    seal: route.seal === 'link' ? 'link' : 'end-to-end',
    parked,
    roundTripMs: route.timing.roundTripMs,
    roundTripVarMs: route.timing.variationMs,
    settledRoundTripMs: route.timing.settledMs,
    roomBytes,
    inFlightBytes: route.flight.bytes,
    deliveredBytes: route.deliveredBytes,
    sentBytes: route.sentBytes,
    receivedBytes: route.receivedBytes,
    lost: route.lost,
    resent: route.resent,
    lastHeardMsAgo: now - route.heardAt,
  };
}
