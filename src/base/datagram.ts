/**
 * Batches of datagrams between the core and a transport. One batch is one preallocated arena with parallel arrays; the
 * same objects go round and round, so nothing is allocated a datagram.
 *
 * An endpoint is 24 opaque bytes: socket index (1), family 4 or 6 (1), port u16, address (16; IPv4 in the first four),
 * scope id u32. The core copies and compares endpoints and does not look inside, with two exceptions: the family 0xFD, which no
 * transport has, is no address (link/one-way/back-endpoint.ts), and discovery asks on which segment an address is and from where it is
 * reached (discovery/segment.ts, discovery/reach.ts).
 */
export const ENDPOINT_BYTES = 24;
/** The socket index of what travels in TCP streams: more than there are UDP sockets. */
export const STREAM_SOCKET = 0xfe;

export interface DatagramBatch {
  readonly arena: Uint8Array;
  /** How many datagrams the batch holds now. */
  count: number;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  /** `count` x ENDPOINT_BYTES: where each came from or goes to. */
  readonly endpoints: Uint8Array;
}

export function createDatagramBatch(capacity: number, arenaBytes: number): DatagramBatch {
  return {
    arena: new Uint8Array(arenaBytes),
    count: 0,
    offsets: new Uint32Array(capacity),
    lengths: new Uint32Array(capacity),
    endpoints: new Uint8Array(capacity * ENDPOINT_BYTES),
  };
}

export interface DatagramTransport {
  /** Largest UDP payload that the socket takes at all. */
  readonly maxDatagramBytes: number;
  /** Sends the whole batch now; what the system has no room for is lost, as on any wire, and counted by the transport. */
  send(batch: DatagramBatch): void;
}

/** Whether two endpoints, each in an array of them, are the same. On the hot path: makes no views. */
export function sameEndpoint(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  for (let i = 0; i < ENDPOINT_BYTES; i++) if (a[aAt + i] !== b[bAt + i]) return false;
  return true;
}

/** Packets to and from a TUN device: the same arena shape without endpoints. */
export interface PacketBatch {
  readonly arena: Uint8Array;
  count: number;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  /** Of a superpacket (wire/superpacket.ts): payload of each segment. 0: a single packet. */
  readonly segments: Uint16Array;
}

export function createPacketBatch(capacity: number, arenaBytes: number): PacketBatch {
  return {
    arena: new Uint8Array(arenaBytes),
    count: 0,
    offsets: new Uint32Array(capacity),
    lengths: new Uint32Array(capacity),
    segments: new Uint16Array(capacity),
  };
}
