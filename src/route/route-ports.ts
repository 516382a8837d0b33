/** What the route layer needs from the layer below and tells the one above. */
import type { LinkId, NodeKey, RouteHandle, ServiceKey } from '../base/ids.ts';
import type { FailureName, RouteFailure } from './route-failure.ts';

/** The link layer, as far as routes need it; src/link/link-layer.ts says what each method does. */
export interface LinkPort {
  sendData(
    link: LinkId,
    routeId: Uint8Array,
    routeIdAt: number,
    message: number,
    offset: number,
    last: boolean,
    buffer: Uint8Array,
    start: number,
    length: number,
  ): boolean;
  sendChannel(link: LinkId, channel: number, message: Uint8Array): boolean;
  linkOf(peer: NodeKey): LinkId | undefined;
}

/** A set-up that ends at this node. `hello` is valid during the call. */
export interface IncomingSetUp {
  readonly service: ServiceKey;
  readonly hello: Uint8Array;
  readonly routeIndex: number;
}

export type IncomingVerdict = 'accept' | Extract<FailureName, 'no-such-service' | 'refused' | 'limit'>;

/** Why a route ended that did not fail: the other end is done, nothing passed for 60 s, the way to the origin broke. */
export type CloseReason = 'torn-down' | 'idle' | 'link-down' | 'forgotten';

/** Handlers may call `open`, `send` and `close` at once. */
export interface RouteEvents {
  /** A whole message arrived at this end; the view is valid during the call. */
  message(route: RouteHandle, message: Uint8Array, now: number): void;
  /** A set-up ends here. Messages may be sent on the route from this call on. */
  incoming(route: RouteHandle, setup: IncomingSetUp, now: number): IncomingVerdict;
  /** Origin only: the route is gone. Hop 0 is this node, hop k the k-th of the path. */
  failed(route: RouteHandle, failure: { readonly hop: number; readonly reason: RouteFailure }, now: number): void;
  /** The route is gone, and not by `close`. */
  closed(route: RouteHandle, reason: CloseReason, now: number): void;
}
