/**
 * Where bytes meet the system: sockets, TUN, a timer, cipher and curve, as native code or as portable TypeScript. The daemon
 * picks one at start and says so in the log and in its status; everything above sees these interfaces only.
 */
import type { DatagramBatch, DatagramTransport, PacketBatch } from '../base/datagram.ts';
import type { Log } from '../base/env.ts';
import { Failure } from '../base/failure.ts';
import type { Cipher } from '../crypto/cipher.ts';
import type { Curve } from '../crypto/curve.ts';
import { nobleCurve } from '../crypto/noble-curve.ts';
import { createNodeCipher } from '../crypto/node-cipher.ts';
import type { OffloadCipher, OffloadOptions } from '../crypto/offload-cipher.ts';
import type { SealedTransport } from '../crypto/sealed-transport.ts';
import { type PieceCopier, portablePieceCopier } from '../wire/piece-copier.ts';
import { cipherMbit } from './cipher-speed.ts';
import { portableNotify } from './portable-notify.ts';
import { PortableTimer } from './portable-timer.ts';
import { openPortableTun } from './portable-tun.ts';
import { openPortableUdp } from './portable-udp.ts';

/** What the system takes or gives as one for many packets: datagrams out and in, superpackets of TCP. */
export type Offload = 'udp-send' | 'udp-receive' | 'tun';

export interface LocalAddress {
  readonly address: string;
  readonly port: number;
  readonly family: 4 | 6;
}

export interface UdpCounters {
  readonly sent: number;
  readonly received: number;
  /** There was no room to send. */
  readonly sendDropped: number;
  /** The system refused: no route, filtered, larger than the interface takes. */
  readonly sendFailed: number;
  /** There was no room to receive. */
  readonly receiveDropped: number;
  /** Arrived longer than a slot of the batch. */
  readonly truncated: number;
}

export interface UdpSockets extends DatagramTransport {
  /** In the order of the socket index in endpoints; the port is the real one when 0 was asked for. */
  readonly local: readonly LocalAddress[];
  /** As all of the sockets have it now: a driver may refuse later, and single datagrams go on. */
  readonly offloads: readonly Offload[];
  /**
   * Fills the batch with what has arrived; returns and sets its count, 0 when there is nothing. Datagrams longer than
   * the arena's length over the batch's capacity are dropped and counted.
   */
  receive(batch: DatagramBatch): number;
  /** Once: `callback` runs whenever there is something to receive, again and again until it was received. */
  onReadable(callback: () => void): void;
  /** Seals by the data path's own cipher, and sends, on a thread; undefined where there is none. Once. */
  sealOnThread?(
    cipher: Cipher,
    transport: DatagramTransport,
    capacity: number,
    arenaBytes: number,
  ): SealedTransport | undefined;
  counters(): UdpCounters;
  close(): void;
}

export interface TunCounters {
  readonly read: number;
  readonly written: number;
  /** The device was down or full, or the packet was no IP packet of its size. */
  readonly writeDropped: number;
}

export interface Tun {
  /** The device's name as the kernel has it. */
  readonly name: string;
  readonly offloads: readonly Offload[];
  /** Fills the batch with packets that the kernel routed here; returns and sets its count, 0 when there is nothing. */
  read(batch: PacketBatch): number;
  write(batch: PacketBatch): void;
  /** Once: `callback` runs whenever there is something to read, again and again until it was read. */
  onReadable(callback: () => void): void;
  /** `callback` runs when the device is lost; it is closed by then. */
  onFailure(callback: (failure: Failure) => void): void;
  counters(): TunCounters;
  close(): void;
}

/** Wakes the event loop once. Native: to about 50 microseconds; portable: to a millisecond or two, never early by more. */
export interface PreciseTimer {
  /** Due so many milliseconds from now, with fractions; replaces what was armed before. Up to an hour. */
  arm(delayMs: number): void;
  /** Once: `callback` runs each time that the timer is due. */
  onDue(callback: () => void): void;
  close(): void;
}

export interface Datapath {
  readonly name: 'native' | 'portable';
  readonly curve: Curve;
  readonly cipher: Cipher;
  readonly pieces: PieceCopier;
  /** The cipher on an offload device; the portable data path has none. */
  openOffload?(device: string, options: OffloadOptions): OffloadCipher;
  /** Binds every address, or fails with a Failure and nothing left open. */
  openUdp(listen: readonly { address: string; port: number }[]): UdpSockets | Promise<UdpSockets>;
  /** Creates the device, up, with this MTU and without an address, or fails with a Failure. */
  openTun(name: string, mtuBytes: number): Tun | Promise<Tun>;
  openTimer(): PreciseTimer;
  /** One message of sd_notify(3) to the service manager's socket. Fails with the system's error. */
  notify(socketPath: string, text: string): void | Promise<void>;
}

/** What the addon's loader answers. */
export type NativeLoad = { readonly datapath: Datapath } | { readonly missing: string };

export const portableDatapath = {
  name: 'portable',
  curve: nobleCurve,
  cipher: createNodeCipher(),
  pieces: portablePieceCopier,
  openUdp: openPortableUdp,
  openTun: openPortableTun,
  openTimer: () => new PortableTimer(),
  notify: portableNotify,
} as const satisfies Datapath;

/**
 * `wanted` is what the command line asks for; without it native is taken where it loads. Fails when native was asked
 * for by name and can't be had.
 */
export function chooseDatapath(wanted: Datapath['name'] | undefined, loadNative: () => NativeLoad, log: Log): Datapath {
  if (wanted === 'portable') return announce(portableDatapath, 'asked for', log);
  const native = loadNative();
  if ('datapath' in native) {
    const { datapath } = native;
    const whole = datapath.curve.name === 'libsecp256k1';
    return announce(datapath, whole ? 'addon loaded' : 'addon loaded; it was built without libsecp256k1', log);
  }
  if (wanted === 'native') {
    throw new Failure('failed', `no native data path: ${native.missing}`, 'run scripts/build-addon');
  }
  return announce(portableDatapath, native.missing, log);
}

function announce(datapath: Datapath, reason: string, log: Log): Datapath {
  const { name, curve, cipher } = datapath;
  const slower = curve.name === 'noble' && reason !== 'asked for';
  const fields = { name, curve: curve.name, cipher: cipher.name, cipherMbit: cipherMbit(cipher), reason };
  log.write(slower ? 'warn' : 'info', 'datapath', fields);
  return datapath;
}
