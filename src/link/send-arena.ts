/**
 * What leaves: one preallocated arena of datagrams under construction, sealed in one cipher batch and handed to the
 * transport in one call. On the hot path: nothing is allocated a datagram.
 *
 * Each session has at most one open datagram; frames of all its routes share it, and nothing waits for company beyond
 * the next `flush`. Handshake datagrams lie in the same arena without a cipher job. When the arena is full it is sent at
 * once, so there is no queue that could overflow: what the system has no room for is lost in the transport, and counted
 * there.
 */
import { assert } from '../base/assert.ts';
import { type DatagramBatch, ENDPOINT_BYTES } from '../base/datagram.ts';
import { JOB_WORDS, TAG_BYTES, writeJob } from '../crypto/cipher.ts';
import type { SealedTransport } from '../crypto/sealed-transport.ts';
import { writeDataHeader } from '../wire/frames.ts';
import type { PieceCopier } from '../wire/piece-copier.ts';
import {
  paddedSessionBytes,
  SESSION_HEADER_BYTES,
  SESSION_MIN_BYTES,
  SESSION_OVERHEAD_BYTES,
  writeSessionHeader,
} from '../wire/session.ts';
import type { OutgoingRun } from './frame-source.ts';

/** `openEntry` of an outlet that has no open datagram. */
export const NO_ENTRY = -1;

/** What the arena asks of a session that sends. */
export interface Outlet {
  readonly remoteIndex: number;
  /** ENDPOINT_BYTES; read when a datagram is opened. */
  readonly endpoint: Uint8Array;
  readonly sendEpoch: number;
  readonly sendSlot: number;
  /** How long a datagram may be: a multiple of 16. */
  readonly datagramBytes: number;
  /** Kept by the arena: the outlet's open datagram, and whether it sent anything since the last `drain`. */
  openEntry: number;
  inUse: boolean;
  /** The next `count` counters; returns the first of them. */
  takeCounters(count: number): number;
  /** So many datagrams of this length are finished. */
  left(datagramBytes: number, count: number): void;
  /** All that was reserved before has left. */
  drained(now: number): void;
}

/** Largest UDP payload there is. */
const DATAGRAM_MAX_BYTES = 65_507;

export class SendArena {
  private readonly sealing: SealedTransport;
  private readonly pieces: PieceCopier;
  private readonly capacity: number;
  /** Those of `sealing` that are being filled. */
  private batch: DatagramBatch;
  private jobs: Uint32Array;
  private jobCount = 0;
  /** Which entries are open, and by whom; undefined once finished. */
  private readonly owners: (Outlet | undefined)[];
  /** Where the next frame of an open entry goes, and where its frames must end. */
  private readonly fillAt: Uint32Array;
  private readonly endAt: Uint32Array;
  private readonly jobOf: Uint32Array;
  private freeAt = 0;
  /** The outlets that sent anything since the last `drain`. */
  private used: Outlet[] = [];

  constructor(sealing: SealedTransport, pieces: PieceCopier) {
    const capacity = sealing.batch.offsets.length;
    assert(sealing.batch.arena.length >= DATAGRAM_MAX_BYTES, 'any datagram fits the arena');
    this.sealing = sealing;
    this.pieces = pieces;
    this.capacity = capacity;
    this.batch = sealing.batch;
    this.jobs = sealing.jobs;
    this.owners = new Array(capacity).fill(undefined);
    this.fillAt = new Uint32Array(capacity);
    this.endAt = new Uint32Array(capacity);
    this.jobOf = new Uint32Array(capacity);
  }

  /** Frames are written here, at the offsets that `reserve` and `reserveWhole` give. */
  get bytes(): Uint8Array {
    return this.batch.arena;
  }

  /** Bytes of frames that the outlet's open datagram still takes; 0 when none is open. */
  roomIn(outlet: Outlet): number {
    return outlet.openEntry === NO_ENTRY ? 0 : this.endAt[outlet.openEntry] - this.fillAt[outlet.openEntry];
  }

  /** Where to write a frame of exactly this many bytes, frame header included. */
  reserve(outlet: Outlet, frameBytes: number): number {
    if (this.roomIn(outlet) < frameBytes) {
      this.finish(outlet);
      outlet.openEntry = this.open(outlet, outlet.datagramBytes);
    }
    const at = this.fillAt[outlet.openEntry];
    assert(frameBytes <= this.endAt[outlet.openEntry] - at, 'a frame fits a datagram');
    this.fillAt[outlet.openEntry] = at + frameBytes;
    return at;
  }

  /** Where to write the frame that fills a datagram of exactly `datagramBytes` on its own: path probes. */
  reserveWhole(outlet: Outlet, datagramBytes: number): number {
    // Datagrams are finished in the order of their counters.
    this.finish(outlet);
    const entry = this.open(outlet, datagramBytes);
    const at = this.fillAt[entry];
    this.fillAt[entry] = this.endAt[entry];
    this.finishEntry(entry, outlet, datagramBytes);
    return at;
  }

  /** The next frame of this outlet begins a datagram of its own. */
  finish(outlet: Outlet): void {
    if (outlet.openEntry === NO_ENTRY) return;
    const frameBytes = this.fillAt[outlet.openEntry] - this.batch.offsets[outlet.openEntry] - SESSION_HEADER_BYTES;
    const room = this.endAt[outlet.openEntry] + TAG_BYTES - this.batch.offsets[outlet.openEntry];
    this.finishEntry(outlet.openEntry, outlet, paddedSessionBytes(frameBytes, room));
    outlet.openEntry = NO_ENTRY;
  }

  /** The pieces of a run, each in a datagram that it fills. The outlet has no open one. */
  putRun(outlet: Outlet, run: OutgoingRun): void {
    const { datagramBytes } = outlet;
    for (let done = 0; done < run.count; ) {
      this.makeRoom(datagramBytes);
      const room = Math.floor((this.batch.arena.length - this.freeAt) / datagramBytes);
      const count = Math.min(run.count - done, this.capacity - this.batch.count, room);
      this.putPart(outlet, run, done, count);
      done += count;
    }
    outlet.left(datagramBytes, run.count);
  }

  /** Takes a handshake datagram as it is. */
  plain(bytes: Uint8Array, endpoint: Uint8Array): void {
    const entry = this.take(bytes.length);
    this.batch.arena.set(bytes, this.batch.offsets[entry]);
    this.batch.lengths[entry] = bytes.length;
    this.batch.endpoints.set(endpoint, entry * ENDPOINT_BYTES);
  }

  /** Sends all there is, and tells every outlet that it left. */
  drain(now: number): void {
    this.flush();
    for (let i = 0; i < this.used.length; i++) {
      this.used[i].inUse = false;
      this.used[i].drained(now);
    }
    this.used.length = 0;
  }

  /** Seals and sends all there is. Before keys are removed this must be called, or a job would find its slot empty. */
  flush(): void {
    if (this.batch.count === 0) return;
    for (let entry = 0; entry < this.batch.count; entry++) {
      const owner = this.owners[entry];
      if (owner !== undefined) this.finish(owner);
    }
    this.sealing.send(this.jobCount);
    this.batch = this.sealing.batch;
    this.jobs = this.sealing.jobs;
    this.jobCount = 0;
    this.freeAt = 0;
  }

  /** `count` pieces of a run from number `first` on, for which there is room. */
  private putPart(outlet: Outlet, run: OutgoingRun, first: number, count: number): void {
    const { datagramBytes, sendSlot } = outlet;
    const { routeId, routeIdAt, message, buffer, eachBytes } = run;
    const { arena } = this.batch;
    const at = this.freeAt;
    const counter = outlet.takeCounters(count);
    const sequence = (run.sequence + first) >>> 0;
    const offset = run.offset + first * eachBytes;
    writeSessionHeader(arena, at, outlet.sendEpoch, outlet.remoteIndex, counter);
    writeDataHeader(
      arena,
      at + SESSION_HEADER_BYTES,
      routeId,
      routeIdAt,
      sequence,
      message,
      offset,
      false,
      -1,
      eachBytes,
    );
    this.pieces.lay(arena, at, datagramBytes, count, buffer, run.start + first * eachBytes, eachBytes);
    for (let i = 0; i < count; i++) {
      const entry = this.take(datagramBytes);
      const { jobCount } = this;
      this.toEndpoint(entry, outlet);
      this.batch.lengths[entry] = datagramBytes;
      writeJob(
        this.jobs,
        jobCount,
        sendSlot,
        counter + i,
        at + i * datagramBytes,
        SESSION_HEADER_BYTES,
        datagramBytes - SESSION_OVERHEAD_BYTES,
      );
      this.jobCount = jobCount + 1;
    }
    this.use(outlet);
  }

  private use(outlet: Outlet): void {
    if (!outlet.inUse) this.used.push(outlet);
    outlet.inUse = true;
  }

  private toEndpoint(entry: number, outlet: Outlet): void {
    const { endpoints } = this.batch;
    const { endpoint } = outlet;
    const at = entry * ENDPOINT_BYTES;
    for (let i = 0; i < ENDPOINT_BYTES; i++) endpoints[at + i] = endpoint[i];
  }

  /** For one more datagram of so many bytes. */
  private makeRoom(bytes: number): void {
    if (this.batch.count === this.capacity || this.freeAt + bytes > this.batch.arena.length) this.flush();
  }

  private take(bytes: number): number {
    this.makeRoom(bytes);
    const entry = this.batch.count++;
    this.batch.offsets[entry] = this.freeAt;
    this.freeAt += bytes;
    return entry;
  }

  private open(outlet: Outlet, datagramBytes: number): number {
    assert(datagramBytes >= SESSION_MIN_BYTES, 'room for a frame');
    const entry = this.take(datagramBytes);
    const at = this.batch.offsets[entry];
    const counter = outlet.takeCounters(1);
    this.use(outlet);
    writeSessionHeader(this.batch.arena, at, outlet.sendEpoch, outlet.remoteIndex, counter);
    this.toEndpoint(entry, outlet);
    this.owners[entry] = outlet;
    this.fillAt[entry] = at + SESSION_HEADER_BYTES;
    this.endAt[entry] = at + datagramBytes - TAG_BYTES;
    this.jobOf[entry] = this.jobCount;
    // How long the text is shows when the entry is finished.
    writeJob(this.jobs, this.jobCount++, outlet.sendSlot, counter, at, SESSION_HEADER_BYTES, 0);
    return entry;
  }

  private finishEntry(entry: number, outlet: Outlet, length: number): void {
    const at = this.batch.offsets[entry];
    const textBytes = length - SESSION_OVERHEAD_BYTES;
    const textEnd = at + SESSION_HEADER_BYTES + textBytes;
    // A full datagram has nothing to pad, and the call costs as much without.
    if (this.fillAt[entry] < textEnd) this.batch.arena.fill(0, this.fillAt[entry], textEnd);
    this.batch.lengths[entry] = length;
    this.jobs[this.jobOf[entry] * JOB_WORDS + 5] = textBytes;
    this.owners[entry] = undefined;
    outlet.left(length, 1);
  }
}
