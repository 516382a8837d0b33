/**
 * What a route promises about time and loss: properties of the route, told by its set-up (docs/protocol.md sections 3.3 and 5).
 */

/** Everything that wants all there is. */
export const BULK = 0;
/** What must not wait: goes first at every hop, and dies of age. */
export const REAL_TIME = 1;
export type TrafficClass = typeof BULK | typeof REAL_TIME;

/**
 * How long a piece is tried again, in milliseconds: 0 never; up to DEADLINE_MAX_MS from end to end; RELIABLE while its
 * route makes any progress.
 */
export type DeliveryMs = number;
export const SENT_ONCE: DeliveryMs = 0;
export const DEADLINE_MAX_MS: DeliveryMs = 65_534;
export const RELIABLE: DeliveryMs = 65_535;
/** A voice packet that is older than this is noise. */
export const REAL_TIME_DEADLINE_MS: DeliveryMs = 150;
