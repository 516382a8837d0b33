/** Limits of docs/protocol.md sections 3 and 5 that all nodes keep. */
export const MAX_HOPS = 10;
export const MAX_MESSAGE_BYTES = 65_535;
/** A set-up's expiry lies at most this far ahead. */
export const MAX_EXPIRY_AHEAD_SECONDS = 120;
export const SETUPS_PER_SECOND_AND_LINK = 50;
export const IDLE_ROUTE_MS = 60_000;

export const PARKED_BYTES_PER_ID = 65_536;
export const PARKED_IDS_PER_LINK = 16;
export const PARKED_MS = 500;
export const ROUTE_UNKNOWN_PER_SECOND_AND_LINK = 10;

export const UNFINISHED_PER_ROUTE = 8;
export const UNFINISHED_BYTES_PER_ROUTE = 262_144;
export const UNFINISHED_MS = 1_000;
