/**
 * The addon as JavaScript sees it (binding.c), and finding it. A device is a small integer. Functions throw on wrong
 * arguments (RangeError, TypeError-like codes) and, with `code` an errno name, on what the system refuses.
 */
import { createRequire } from 'node:module';
import type { PieceCopier } from '../wire/piece-copier.ts';

/** Raised together with ABI_VERSION in binding.c. */
const ABI_VERSION = 7;

/** Batches that go round. */
export const DISPATCH_BATCHES = 4;
/** The next batch is to be filled; the one before is the thread's until its turn comes again. */
export const DISPATCH_POSTED = 1;
/** Nothing was sent: an endpoint is of no socket here. */
export const DISPATCH_FOREIGN = 2;

type Handle = number;

export interface UdpCounters {
  readonly sent: number;
  readonly received: number;
  /** The socket buffer or the device queue was full. */
  readonly sendDropped: number;
  /** No route, filtered, larger than the interface takes. */
  readonly sendFailed: number;
  /** The receive buffer was full. */
  readonly receiveDropped: number;
  /** Arrived longer than a slot of the batch. */
  readonly truncated: number;
}

export interface TunCounters {
  readonly read: number;
  readonly written: number;
  /** The device was down or full, or the packet was not IP. */
  readonly writeDropped: number;
  /** A superpacket that could not be cut, or a packet longer than the MTU. */
  readonly readDropped: number;
  /** What the kernel gave and took as one for many packets of a TCP connection, each of which counts above. */
  readonly readSuperpackets: number;
  readonly writtenSuperpackets: number;
}

export interface LocalAddress {
  readonly address: string;
  readonly port: number;
  readonly family: 4 | 6;
}

export interface Addon {
  readonly abiVersion: number;
  /** One call a readable event, level-triggered, or each time that a timer is due. Once a device, after its last socket was bound. */
  watch(device: Handle, readable: () => void): void;
  close(device: Handle): void;

  udpOpen(): Handle;
  udpBind(device: Handle, address: string, port: number): LocalAddress;
  udpSend(
    device: Handle,
    arena: Uint8Array,
    offsets: Uint32Array,
    lengths: Uint32Array,
    endpoints: Uint8Array,
    count: number,
  ): number;
  /**
   * From now on `udpDispatchSend` seals and sends, on a thread. `arrays`: arena, offsets, lengths, endpoints and jobs of each of DISPATCH_BATCHES batches, one
   * behind the other. False where no thread can be had.
   */
  udpDispatch(device: Handle, arrays: readonly (Uint8Array | Uint32Array)[]): boolean;
  /** Of the batch whose turn it is. What it answers: DISPATCH_POSTED and the two others. */
  udpDispatchSend(device: Handle, count: number, jobCount: number): number;
  udpReceive(
    device: Handle,
    arena: Uint8Array,
    offsets: Uint32Array,
    lengths: Uint32Array,
    endpoints: Uint8Array,
  ): number;
  udpCounters(device: Handle): UdpCounters;
  /** What all of its sockets have: runs of datagrams sent as one (UDP_SEGMENT), and received so (UDP_GRO). */
  udpOffloads(device: Handle): { send: boolean; receive: boolean };

  /** `superpackets`: the kernel gives TCP as it would to a network card that cuts it. */
  tunOpen(name: string, mtuBytes: number): { handle: Handle; name: string; superpackets: boolean };
  tunRead(device: Handle, arena: Uint8Array, offsets: Uint32Array, lengths: Uint32Array, segments: Uint16Array): number;
  tunWrite(
    device: Handle,
    arena: Uint8Array,
    offsets: Uint32Array,
    lengths: Uint32Array,
    segments: Uint16Array,
    count: number,
  ): number;
  tunCounters(device: Handle): TunCounters;

  timerOpen(): Handle;
  /** Calls what `watch` was given once, so much later; replaces what was armed before. */
  timerArm(device: Handle, microseconds: number): void;

  /** One datagram to a unix socket, sd_notify(3); a path with @ in front is abstract. Never blocks. */
  notify(socketPath: string, text: string): void;

  addKey(key: Uint8Array): number;
  removeKey(slot: number): void;
  sealBatch(arena: Uint8Array, jobs: Uint32Array, count: number): void;
  openBatch(arena: Uint8Array, jobs: Uint32Array, count: number): void;

  layPieces: PieceCopier['lay'];
}

/** The functions of an addon that was built with libsecp256k1. Results go into the first argument. */
export interface CurveAddon {
  isSecret(secret: Uint8Array): boolean;
  isPoint(point: Uint8Array): boolean;
  publicKey(point: Uint8Array, secret: Uint8Array): boolean;
  ecdh(shared: Uint8Array, secret: Uint8Array, point: Uint8Array): boolean;
  multiply(product: Uint8Array, point: Uint8Array, scalar: Uint8Array): boolean;
  sign(signature: Uint8Array, secret: Uint8Array, digest: Uint8Array, auxiliary: Uint8Array): boolean;
  verify(point: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean;
}

export function hasCurve(addon: Addon): addon is Addon & CurveAddon {
  return 'ecdh' in addon;
}

/**
 * Loads `skywire-<arch>.node` from the first of `folders` that has one. Answers with the reason when there is none, it
 * doesn't load or it is of another version; never throws.
 */
export function loadAddon(
  folders: readonly URL[],
  arch: string,
  wantedVersion: number = ABI_VERSION,
): { addon: Addon } | { missing: string } {
  const require = createRequire(import.meta.url);
  const file = `skywire-${arch}.node`;
  for (const folder of folders) {
    const path = decodeURIComponent(new URL(file, folder).pathname);
    try {
      const addon = require(path) as Addon;
      if (addon.abiVersion === wantedVersion) return { addon };
      return { missing: `${path} has version ${addon.abiVersion}, this program needs ${wantedVersion}` };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') continue;
      return { missing: `${path} does not load: ${(error as Error).message}` };
    }
  }
  return { missing: `${file} was not built` };
}
