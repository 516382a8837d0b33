/** Limits of docs/protocol.md sections 3 and 5 that all nodes keep. */
export const MAX_HOPS = 10;
export const MAX_MESSAGE_BYTES = 65_535;
/** A set-up's expiry lies at most this far ahead. */
export const MAX_EXPIRY_AHEAD_SECONDS = 120;
export const SETUPS_PER_SECOND_AND_LINK = 50;
export const IDLE_ROUTE_MS = 60_000;

export const PARKED_BYTES_PER_ID = 65_536;
export const PARKED_IDS_PER_LINK = 16;
/** A set-up that was lost is sent again by its link; what it set up is unknown only when that had its time. */
export const PARKED_MS = 2_000;
export const ROUTE_UNKNOWN_PER_SECOND_AND_LINK = 10;

/** Of routes that are sent once. */
export const UNFINISHED_PER_ROUTE = 8;
/** Of these and of Real Time ones; of others at least, and their share of the memory at most. */
export const UNFINISHED_BYTES_PER_ROUTE = 262_144;

/** Room of a route before its first CREDIT. */
export const INITIAL_CREDIT_BYTES = 16_384;
/** Of a Real Time route at one node. */
export const REAL_TIME_WAITING_BYTES = 65_536;
/** A Bulk route of whose pieces none gets through for this long, and for so many probe timeouts, gives up those that it has sent. */
export const PERSISTENCE_MS = 2_000;
export const PERSISTENCE_PROBES = 3;
/** A sequence is this much less than the oldest unacknowledged one at the most. */
export const SEQUENCES_UNDER_WAY = 0x10_0000;

/** Section 3.3: whoever keeps nothing of a route gives it room for at least so many bytes. */
export const LEAST_ROOM_BYTES = 4_096;
