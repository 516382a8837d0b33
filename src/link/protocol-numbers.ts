/**
 * The times and counts of a link that docs/protocol.md fixes: both ends rely on them. Our own choices are in tuning.ts,
 * sizes and type numbers beside their codecs in wire.
 */

/** Section 2.1. */
export const HANDSHAKE_RETRY_FIRST_MS = 250;
export const HANDSHAKE_EAGER_MS = 120_000;
export const HANDSHAKE_RETRY_MAX_MS = 5_000;
export const HANDSHAKE_TRIES_PER_PACE = 4;
export const HANDSHAKE_TRIES_PER_EPHEMERAL = 24;
export const HANDSHAKE_TRIES_OF_FINAL = 30;
export const PENDING_HANDSHAKES_MAX = 64;
export const INITS_PER_SECOND_MAX = 50;
export const COOKIE_SECRET_LIFE_MS = 120_000;

/** Section 2.3. */
export const REKEY_AFTER_MS = 1_000;
/** Or so many round trips, where these are longer. */
export const REKEY_ROUND_TRIPS = 2;
export const REKEY_REPEAT_MS = 100;
export const REKEY_REPEAT_ROUND_TRIPS = 1 / 4;
export const PREVIOUS_EPOCH_LIFE_MS = 3_000;
export const PREVIOUS_EPOCH_ROUND_TRIPS = 2;
export const REKEY_STALLED_MS = 10_000;
export const REKEY_STALLED_ROUND_TRIPS = 10;

/** Section 3: of channels. */
export const UNFINISHED_MESSAGES_MAX = 8;

/** Section 3.1. */
export const PATH_BASE_BYTES = 1_200;
export const PATH_LADDER_BYTES = [1_280, 1_392, 1_420, 1_440, 1_452, 1_472, 8_952] as const;
export const PATH_PROBE_TRIES = 3;
export const PATH_SEARCH_AGAIN_MS = 600_000;

/** Section 3.2. */
export const PING_AFTER_MS = 500;
export const DEAD_AFTER_MS = 4_000;
export const DEAD_ROUND_TRIPS = 3;
export const KEEPALIVE_MS = 10_000;

/** Section 3.3, first ack. */
export const ACK_AFTER_DATAGRAMS = 2;
export const ACK_DELAY_MS = 2;
/** A datagram of 1,500 bytes at 1.5 Mb/s. */
export const ACK_DELAY_BESIDE_DATA_MS = 8;
/** Where Real Time waits: less than REAL_TIME_PROBE_SLACK_MS. An ACK that travels alone takes 106 bytes of the wire, beside a full packet 32. */
export const ACK_DELAY_OF_REAL_TIME_MS = 2;

/** Section 3.3, loss. */
export const LOSS_THRESHOLD_DATAGRAMS = 3;
export const LOSS_ROUND_TRIPS = 9 / 8;
export const REAL_TIME_PROBE_SLACK_MS = 3;
export const PROBE_VARIATIONS = 4;
export const PROBE_LEAST_VARIATION_MS = 2;
export const BULK_PROBE_SLACK_MS = 2;
export const PROBE_DATAGRAMS = 2;
export const PROBE_BACK_OFF_MAX = 4;
