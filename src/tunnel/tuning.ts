/** Our own choices, each with its reason. What the protocol fixes stands in wire/tunnel-message.ts. */

/** docs/protocol.md 8: a LEASE_REQUEST is repeated every second until answered. */
export const LEASE_RETRY_MS = 1_000;
/** After a refusal: a pool that is full stays full for longer than a second, and somebody may leave it. */
export const LEASE_REFUSED_RETRY_MS = 15_000;
/** "Connected" means that bytes came back within this time. */
export const CONNECTED_WITHIN_MS = 5_000;
/** Quiet for this long: ask with an ECHO, so that two may be lost before the 5 s of "connected" are over. */
export const ECHO_WHEN_QUIET_MS = 1_500;
/** Something was sent and nothing came back: ask sooner, so that the answer is here before `STALLED_AFTER_MS`. */
export const ECHO_WHEN_WAITING_MS = 500;
/** A cut route is mended within a second; who waits for longer than this should hear that the way is down. */
export const STALLED_AFTER_MS = 2_000;

/** ICMP errors a second, and at once: enough for every program of a laptop to hear of it, useless as an amplifier. */
export const ICMP_PER_SECOND = 50;
export const ICMP_BURST = 100;

/** Packets handed to the TUN in one call, and the bytes that they may take up. */
export const TUN_BATCH_PACKETS = 256;
export const TUN_BATCH_BYTES = 512 * 1024;

/** Sessions that one gateway serves at a time. */
export const MAX_CLIENTS = 4_096;
/** Leases that one gateway remembers: four for each session it can serve, about 2 MiB of memory and 1.5 MiB of file. */
export const MAX_LEASES = 4 * MAX_CLIENTS;
/** Long enough that a laptop's connections outlive a night's power cut of the gateway, short enough to free the pool. */
export const LEASE_SECONDS = 3_600;
/** Expired leases are looked for this often. */
export const LEASE_SWEEP_MS = 60_000;
/** A new lease is on disk within a second; a longer life of a known one can wait, to spare flash memory. */
export const SAVE_NEW_LEASE_MS = 1_000;
export const SAVE_RENEWED_LEASE_MS = 300_000;
/** A client's rate limit lets this much time's worth of bytes through at once, and never less than one large packet. */
export const RATE_BURST_MS = 200;
export const RATE_BURST_MIN_BYTES = 65_536;

/** What a sparse flow may send in the long run, 200 kb/s: any voice call, and a tenth of a line of 2 Mb/s. */
export const SPARSE_BYTES_PER_MS = 25;
/** And at once: two packets of Ethernet's size, so that a connection's first exchange is fast and its first window is not. */
export const SPARSE_BURST_BYTES = 3_028;
/** 195 packets a second, however small, are the most of a sparse flow: games and calls send up to 100. */
export const SPARSE_LEAST_COST_BYTES = 128;
/** 49 a second for TCP: nobody types faster, and a download of 1.2 Mb/s is acknowledged as often. */
export const SPARSE_LEAST_TCP_COST_BYTES = 512;
/** What Bulk holds back is out by then: its queue aims at 150 ms, and a path that loses half its packets adds 700. */
export const SPARSE_PAUSE_MS = 1_000;
/** 280 kB. With a thousand flows at a time one in sixteen shares its bucket with another. */
export const SPARSE_BUCKETS = 16_384;
/** Longer than a quiet call says nothing, shorter than a port is given to somebody else. */
export const TREATMENT_LIFE_MS = 60_000;
/** 213 kB; as many flows as are told apart by what they send. */
export const TREATMENT_BUCKETS = SPARSE_BUCKETS;
