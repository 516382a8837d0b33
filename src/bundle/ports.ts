/** What the bundle needs from the layer below and what it tells the one above; wired in `node`. */
import type { NodeKey, RouteHandle, ServiceKey } from '../base/ids.ts';
import type { Session } from './session.ts';

/** What a set-up tells the node at its end (docs/protocol.md section 5, TLV 10, 12 and 14). */
export interface RouteSetup {
  readonly service: ServiceKey;
  /** Message one of the session's handshake. */
  readonly hello: Uint8Array;
  /** 16 bits, never used twice in a session. */
  readonly routeIndex: number;
}

export type SetupAnswer = 'accept' | 'no-such-service' | 'refused' | 'limit';

/** Routes that begin or end at this node. */
export interface RoutePort {
  /**
   * Sets a route up; data may follow at once. `path` goes from the neighbour to the destination. Answers the name of a
   * failure when it is known on the spot; later ones come through `BundleLayer.routeFailed`.
   */
  open(path: NodeKey[], setup: RouteSetup, now: number): RouteHandle | string;
  /** Sends a message of up to 65,535 bytes, copied at once. False when there is no room or no link. */
  send(route: RouteHandle, message: Uint8Array, now: number): boolean;
  close(route: RouteHandle, now: number): void;
}

/** What the owner of sessions hears. Called from `BundleLayer.drain`, `incoming` and `routeFailed`. */
export interface SessionEvents {
  /**
   * Both ends have keys. At the service: a client is there. At the client also whenever the service had forgotten the session
   * and a new one took its place.
   */
  opened(session: Session, now: number): void;
  /** A message, in order; the bytes are valid during the call. */
  message(session: Session, bytes: Uint8Array, now: number): void;
  /** The session is over; `reason` is what the end that closed it said, or `no-route`. Not called for one's own `close`. */
  closed(session: Session, reason: string, now: number): void;
}
