/** What the route layer needs from the layer below and tells the one above. */
import type { LinkId, NodeKey, RouteHandle, ServiceKey } from '../base/ids.ts';
import type { DeliveryMs, TrafficClass } from '../base/traffic-class.ts';
import type { LinkMeasures } from '../link/link-measures.ts';
import type { FailureName, RouteFailure } from './route-failure.ts';

/** The link layer, as far as routes need it; src/link/link-layer.ts says what each method does. */
export interface LinkPort {
  sendChannel(link: LinkId, channel: number, message: Uint8Array): boolean;
  linkOf(peer: NodeKey): LinkId | undefined;
  /** There may be something to take from `FrameSource`. */
  sendable(link: LinkId): void;
  /** How busy is the neighbour's direction of the link? `RouteLayer.load` hears the answer. */
  askLoad(link: LinkId): void;
  /** One live object a link; asked for when the link comes up. */
  measures(link: LinkId): LinkMeasures;
}

/** A set-up that ends at this node. `hello` is valid during the call. */
export interface IncomingSetUp {
  readonly service: ServiceKey;
  readonly hello: Uint8Array;
  readonly routeIndex: number;
  readonly trafficClass: TrafficClass;
  readonly deliveryMs: DeliveryMs;
}

export type IncomingVerdict = 'accept' | Extract<FailureName, 'no-such-service' | 'refused' | 'limit'>;

/** Why a route ended that did not fail: the other end is done, nothing passed for 60 s, the way to the origin broke. */
export type CloseReason = 'torn-down' | 'idle' | 'link-down' | 'forgotten';

/** Handlers may call `open`, `send`, `room` and `close` at once. */
export interface RouteEvents {
  /**
   * A whole message arrived at this end; the view is valid during the call. `number` is what `send` answered at the other
   * end: from 0 up by one, modulo 2^32. Messages come in any order, each once.
   */
  message(route: RouteHandle, message: Uint8Array, number: number, now: number): void;
  /** This message of the other end will not come. */
  lost(route: RouteHandle, number: number, now: number): void;
  /** There is room again, after `room` or `send` said that there was too little. */
  writable(route: RouteHandle, now: number): void;
  /** A set-up ends here. Messages may be sent on the route from this call on. */
  incoming(route: RouteHandle, setup: IncomingSetUp, now: number): IncomingVerdict;
  /** Origin only: the route is gone. Hop 0 is this node, hop k the k-th of the path. */
  failed(route: RouteHandle, failure: { readonly hop: number; readonly reason: RouteFailure }, now: number): void;
  /** The route is gone, and not by `close`. */
  closed(route: RouteHandle, reason: CloseReason, now: number): void;
}
