/**
 * A TUN device without native code: `socat` holds it and speaks through its standard input and output.
 *
 *   kernel -> us: socat writes each packet to its output; the stream is cut by the packets' own total length.
 *   us -> kernel: socat turns each read of its input into one write to the device, so each packet is one block of exactly
 *                 `mtuBytes`, zero-filled; the kernel cuts an IP packet to its total length. A block is written to the
 *                 socket by itself (never gathered with others), and a block this small goes in whole or not at all, so
 *                 the stream holds whole blocks at any time and every read gets exactly one.
 *
 * Both directions are bounded: the packets read wait in a queue, and a full one pauses the stream, so that the kernel's
 * own queue for the device fills and drops; packets to write beyond the queue are dropped and counted.
 */
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { assert } from '../base/assert.ts';
import { readU16 } from '../base/bytes.ts';
import type { PacketBatch } from '../base/datagram.ts';
import { Failure } from '../base/failure.ts';
import { tunFailure } from '../base/open-failure.ts';
import {
  completeChecksum,
  longestPacket,
  MAX_SEGMENTS,
  packetProblem,
  SuperpacketCutter,
} from '../wire/superpacket.ts';

/** Packets either way; as long as the kernel's default queue for a TUN. */
export const QUEUE_PACKETS = 500;
/** Blocks above this may be taken by the socket in parts. */
const MAX_MTU_BYTES = 9_000;
/** Of what socat says before it fails, this much is kept for the message. */
const MAX_COMPLAINT_BYTES = 4_096;

type Socat = ChildProcessByStdio<Writable, Readable, Readable>;

/** Rejects with a Failure when there is no socat, no TUN or no permission. */
export async function openPortableTun(name: string, mtuBytes: number): Promise<PortableTun> {
  assert(/^[\w.-]{1,15}$/.test(name), 'a device name');
  assert(mtuBytes >= 68 && mtuBytes <= MAX_MTU_BYTES, 'an MTU that the portable TUN can carry');
  const device = `TUN,tun-name=${name},tun-type=tun,iff-no-pi,iff-up`;
  const socat = spawn('socat', ['-d', '-d', '-b', String(mtuBytes), 'STDIO', device], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  await started(socat, name);
  try {
    await setMtu(name, mtuBytes);
  } catch (error) {
    socat.kill('SIGKILL');
    throw new Failure('system-tool', `ip link could not set the MTU of ${name}: ${error}`, 'install iproute2');
  }
  if (socat.exitCode !== null) throw tunFailure(undefined, name, 'socat ended at once');
  return new PortableTun(name, mtuBytes, socat);
}

/** Waits until socat holds the device; it says so on its error output. */
function started(socat: Socat, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    socat.on('error', () => {
      reject(new Failure('system-tool', 'the portable TUN needs socat, which is not there', 'apt install socat'));
    });
    socat.on('exit', () => reject(tunFailure(errnoOf(said), name, complaintOf(said))));
    socat.stderr.on('data', (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(-MAX_COMPLAINT_BYTES);
      if (said.includes('starting data transfer loop')) resolve();
    });
  });
}

/** Socat's complaints end with strerror(3) of what went wrong. */
function errnoOf(said: string): string | undefined {
  if (/No such (file|device)/.test(said)) return 'ENOENT';
  if (/(Permission denied|not permitted)/.test(said)) return 'EPERM';
  if (/busy/.test(said)) return 'EBUSY';
  return undefined;
}

function complaintOf(said: string): string {
  const lines = said.split('\n').filter((line) => / E /.test(line));
  return lines.at(-1)?.replace(/^.* E /, '') ?? '';
}

function setMtu(name: string, mtuBytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('ip', ['link', 'set', 'dev', name, 'mtu', String(mtuBytes)], (error) =>
      error ? reject(error) : resolve(),
    );
  });
}

/** Total length of the IP packet at `at`, 0 when it is none. Needs the first 6 bytes. */
function totalLength(bytes: Uint8Array, at: number): number {
  const version = bytes[at] >> 4;
  if (version === 4) return readU16(bytes, at + 2);
  return version === 6 ? 40 + readU16(bytes, at + 4) : 0;
}

const LENGTH_KNOWN_BYTES = 6;
const MIN_PACKET_BYTES = 20;

export class PortableTun {
  readonly name: string;
  readonly offloads = [];
  private readonly mtuBytes: number;
  private readonly socat: Socat;
  private readonly cutter = new SuperpacketCutter();
  private readonly segment: Uint8Array;
  private readonly incoming: Uint8Array[] = [];
  private readonly outgoing: Uint8Array[] = [];
  /** Bytes of a packet whose end has not come yet. */
  private rest: Uint8Array = new Uint8Array(0);
  private readable: (() => void) | undefined;
  private readableDue = false;
  private failed: ((failure: Failure) => void) | undefined;
  private closed = false;
  private readonly flushMore = () => this.flush();
  private readonly count = { read: 0, written: 0, writeDropped: 0 };

  constructor(name: string, mtuBytes: number, socat: Socat) {
    this.name = name;
    this.mtuBytes = mtuBytes;
    this.segment = new Uint8Array(mtuBytes);
    this.socat = socat;
    socat.removeAllListeners('exit');
    socat.on('exit', (status, signal) => this.fail(`socat ended with ${status ?? signal}`));
    socat.stdin.on('error', () => {}); // the exit tells it better
    socat.stdout.on('data', (bytes: Uint8Array) => this.split(bytes));
  }

  read(batch: PacketBatch): number {
    batch.count = 0;
    let at = 0;
    while (this.incoming.length > 0 && batch.count < batch.offsets.length) {
      if (at + this.incoming[0].length > batch.arena.length) break;
      const packet = this.incoming.shift() as Uint8Array;
      batch.arena.set(packet, at);
      batch.offsets[batch.count] = at;
      batch.lengths[batch.count] = packet.length;
      batch.segments[batch.count] = 0;
      batch.count++;
      at += packet.length;
    }
    this.count.read += batch.count;
    if (!this.closed && this.incoming.length < QUEUE_PACKETS && this.socat.stdout.isPaused())
      this.socat.stdout.resume();
    return batch.count;
  }

  write(batch: PacketBatch): void {
    if (this.closed) return;
    for (let i = 0; i < batch.count; i++) {
      const start = batch.offsets[i];
      const length = batch.lengths[i];
      if (start + length > batch.arena.length) throw new RangeError('an entry reaches outside its arena');
      if (batch.segments[i] === 0) this.queue(batch.arena, start, length);
      else this.queueSegments(batch.arena, start, length, batch.segments[i]);
    }
    this.flush();
  }

  onReadable(callback: () => void): void {
    assert(this.readable === undefined, 'one callback');
    this.readable = callback;
    this.scheduleReadable();
  }

  onFailure(callback: (failure: Failure) => void): void {
    this.failed = callback;
  }

  counters() {
    return { ...this.count };
  }

  private queue(bytes: Uint8Array, start: number, length: number): void {
    const packet = bytes.subarray(start, start + length);
    const whole = length >= MIN_PACKET_BYTES && length <= this.mtuBytes && totalLength(packet, 0) === length;
    if (!whole || this.outgoing.length >= QUEUE_PACKETS) {
      this.count.writeDropped++;
      return;
    }
    const block = new Uint8Array(this.mtuBytes);
    block.set(packet);
    this.outgoing.push(block);
  }

  /** A superpacket as the single packets that it stands for. */
  private queueSegments(bytes: Uint8Array, start: number, length: number, segmentBytes: number): void {
    const sound = packetProblem(bytes, start, length, segmentBytes, MAX_SEGMENTS) === undefined;
    if (!sound || longestPacket(bytes, start, length, segmentBytes) > this.mtuBytes) {
      this.count.writeDropped++;
      return;
    }
    const { cutter, segment } = this;
    cutter.begin(bytes, start, length, segmentBytes);
    for (let cut = cutter.next(segment, 0, 0); cut > 0; cut = cutter.next(segment, 0, 0)) {
      completeChecksum(segment, 0, cut);
      this.queue(segment, 0, cut);
    }
  }

  /** The device goes with the process. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.socat.removeAllListeners('exit');
    this.socat.kill('SIGKILL');
    this.incoming.length = 0;
    this.outgoing.length = 0;
  }

  private fail(detail: string): void {
    this.close();
    this.failed?.(tunFailure(undefined, this.name, detail));
  }

  /** One block a write, and none while an earlier one waits in the stream: Node would gather those that wait. */
  private flush(): void {
    const { stdin } = this.socat;
    while (this.outgoing.length > 0 && stdin.writableLength === 0) {
      stdin.write(this.outgoing.shift(), this.flushMore);
      this.count.written++;
    }
  }

  private split(bytes: Uint8Array): void {
    const stream = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    let at = 0;
    while (stream.length - at >= LENGTH_KNOWN_BYTES) {
      const length = totalLength(stream, at);
      if (length < MIN_PACKET_BYTES || length > this.mtuBytes) {
        this.fail('socat gave something that is no IP packet');
        return;
      }
      if (stream.length - at < length) break;
      this.incoming.push(stream.subarray(at, at + length));
      at += length;
    }
    this.rest = stream.subarray(at);
    if (this.incoming.length >= QUEUE_PACKETS) this.socat.stdout.pause();
    this.scheduleReadable();
  }

  private scheduleReadable(): void {
    if (this.readableDue || this.readable === undefined || this.incoming.length === 0) return;
    this.readableDue = true;
    setImmediate(() => {
      this.readableDue = false;
      if (this.closed || this.incoming.length === 0) return;
      this.readable?.();
      this.scheduleReadable();
    });
  }
}
