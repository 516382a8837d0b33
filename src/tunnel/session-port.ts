/** What the tunnel needs of an end-to-end session. `node` wires it to the bundle layer. */
import type { TrafficClass } from '../base/traffic-class.ts';

/** How a message is to travel. */
export interface Lane {
  readonly trafficClass: TrafficClass;
  /** 32 bits: messages with the same number are of one flow and stay in order among themselves. */
  readonly flow: number;
  /** Real Time that goes over two routes at once, whatever the session would do by itself. */
  readonly twice?: boolean;
  /** Real Time that is worth as much when it comes late: while no route is up it waits as Bulk does, in place of going stale. */
  readonly patient?: boolean;
}

export interface TunnelSession {
  /** 33 bytes: who the client is. The same key means the same client, over any number of sessions. */
  readonly clientKey: Uint8Array;
  /**
   * Copies the message and reads the lane before it returns; false when the session has no room and dropped the
   * message. Without a lane: Bulk, flow 0.
   */
  send(message: Uint8Array, now: number, lane?: Lane): boolean;
  /** How long a message should be at most, so that it keeps no route busy for long; less than a packet where nothing is known. */
  readonly messageBytes: number;
}
