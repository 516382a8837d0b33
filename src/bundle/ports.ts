/** What the bundle needs from the layer below, and how messages travel; wired in `node`. */
import type { NodeKey, RouteHandle, ServiceKey } from '../base/ids.ts';
import { BULK, type DeliveryMs, type TrafficClass } from '../base/traffic-class.ts';

/** What a set-up tells the node at its end (docs/protocol.md section 5, TLV 10 to 18). */
export interface RouteSetup {
  readonly service: ServiceKey;
  /** Message one of the session's handshake. */
  readonly hello: Uint8Array;
  /** 16 bits, never used twice in a session. */
  readonly routeIndex: number;
  readonly trafficClass: TrafficClass;
  readonly deliveryMs: DeliveryMs;
}

export type SetupAnswer = 'accept' | 'no-such-service' | 'refused' | 'limit';

/** Routes that begin or end at this node. */
export interface RoutePort {
  /**
   * Sets a route up; data may follow at once. `path` goes from the neighbour to the destination. Answers the name of a
   * failure when it is known on the spot; later ones come through `BundleLayer.routeFailed`.
   */
  open(path: NodeKey[], setup: RouteSetup, now: number): RouteHandle | string;
  /**
   * Sends a message of up to 65,535 bytes, copied at once. Its number on this route, or -1: there is no room or no
   * route.
   */
  send(route: RouteHandle, message: Uint8Array, now: number): number;
  /**
   * Bytes of messages that the route takes now; 65,535 when nothing waits, for any message is taken then, however
   * little follows it. `BundleLayer.writable` follows when it rises.
   */
  room(route: RouteHandle, now: number): number;
  close(route: RouteHandle, now: number): void;
}

/** How a message travels: messages of a Bulk flow stay in order, Real Time ones come as fast and as many as can be. */
export interface Lane {
  readonly trafficClass: TrafficClass;
  /** Any 32-bit number, the same for all messages of a flow. */
  readonly flow: number;
  /** Real Time that goes over two routes at once, whatever the session would do by itself. */
  readonly twice?: boolean;
  /** Real Time that is worth as much when it comes late: while no route is up, and for a second after that, it goes as Bulk does, in place of going stale. */
  readonly patient?: boolean;
}

export const BULK_LANE: Lane = { trafficClass: BULK, flow: 0 };
