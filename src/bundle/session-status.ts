/** What `skywire routes` shows of a session. */
import type { NodeKey } from '../base/ids.ts';
import type { BundleRoute, RouteState } from './bundle-route.ts';
import type { ResequencerCounters } from './resequencer.ts';

/** `lost`: it was up and has no route that is; `opening`: it has not been up yet. */
export type SessionState = 'opening' | 'up' | 'lost' | 'closed';

export interface RouteStatus {
  readonly index: number;
  /** Neighbour first, destination last; only the client knows it. */
  readonly path: readonly NodeKey[] | undefined;
  readonly state: RouteState;
  /** Smoothed; undefined before the first answer. */
  readonly roundTripMs: number | undefined;
  readonly windowBytes: number;
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
  readonly queueBytes: number;
  /** Messages that found the queue full. */
  readonly queueDrops: number;
  readonly resequencer: ResequencerCounters;
  /** Since bytes last came back from the other end; undefined before the first. */
  readonly lastHeardMsAgo: number | undefined;
  readonly lastFailure: SessionFailure | undefined;
  readonly routes: readonly RouteStatus[];
}

export function routeStatus(route: BundleRoute, now: number): RouteStatus {
  return {
    index: route.index,
    path: route.path,
    state: route.state,
    roundTripMs: route.window.roundTripMs,
    windowBytes: Math.round(route.window.bytes),
    inFlightBytes: route.flight.bytes,
    deliveredBytes: route.deliveredBytes,
    sentBytes: route.sentBytes,
    receivedBytes: route.receivedBytes,
    lost: route.lost,
    resent: route.resent,
    lastHeardMsAgo: now - route.heardAt,
  };
}
