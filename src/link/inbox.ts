/**
 * Session datagrams of one received batch: gathered as cipher jobs, opened in one call, handed on in order; those that carry one part
 * of a message together, as one. On the hot path: allocates nothing a datagram.
 */
import { type DatagramBatch, ENDPOINT_BYTES, sameEndpoint } from '../base/datagram.ts';
import type { Drops } from '../base/drops.ts';
import { type Cipher, JOB_OK, JOB_WORDS } from '../crypto/cipher.ts';
import {
  counterHighOf,
  counterLowOf,
  epochByteOf,
  SESSION_HEADER_BYTES,
  SESSION_OVERHEAD_BYTES,
  sessionDropOf,
} from '../wire/session.ts';
import { PieceRun } from './piece-run.ts';
import type { Session } from './session.ts';

/** One datagram whose tag is right and whose counter is new, or several in a row whose pieces were joined. Valid during the call. */
export interface OpenedDatagram {
  batch: DatagramBatch;
  /** Which of the batch. */
  index: number;
  epoch: number;
  counter: number;
  /** Where the frames begin and end in the batch's arena. */
  framesAt: number;
  framesEnd: number;
  /** Datagrams with the counters from `counter` on; more than one: their pieces, and nothing else, stand in `run`. */
  datagrams: number;
  readonly run: PieceRun;
}

/** Who takes what was opened. */
export interface OpenedEvents {
  /** The next datagram, in the order of the batch; false when it is not to be looked at. */
  accepts(session: Session, datagram: OpenedDatagram, now: number): boolean;
  /** What was accepted. */
  opened(session: Session, datagram: OpenedDatagram, now: number): void;
}

const TWO_32 = 0x1_0000_0000;

export class Inbox {
  private readonly cipher: Cipher;
  private readonly drops: Drops;
  private readonly events: OpenedEvents;
  private readonly datagram: OpenedDatagram;
  private jobs = new Uint32Array(0);
  private sessions: (Session | undefined)[] = [];
  private epochs = new Float64Array(0);
  private count = 0;

  constructor(cipher: Cipher, drops: Drops, empty: DatagramBatch, events: OpenedEvents) {
    this.cipher = cipher;
    this.drops = drops;
    this.events = events;
    const run = new PieceRun();
    this.datagram = { batch: empty, index: 0, epoch: 0, counter: 0, framesAt: 0, framesEnd: 0, datagrams: 1, run };
  }

  /** Called before the datagrams of a batch are gathered. */
  begin(batch: DatagramBatch): void {
    const capacity = batch.offsets.length;
    this.datagram.batch = batch;
    if (this.sessions.length >= capacity) return;
    this.jobs = new Uint32Array(capacity * JOB_WORDS);
    this.sessions = new Array(capacity).fill(undefined);
    this.epochs = new Float64Array(capacity);
  }

  /** Takes the batch's datagram number `index` for `session` when it may be opened at all. */
  gather(session: Session, index: number): void {
    const { batch } = this.datagram;
    const at = batch.offsets[index];
    const length = batch.lengths[index];
    const drop = sessionDropOf(batch.arena, at, length);
    if (drop !== undefined) return this.drops.count(drop);
    const epoch = session.rekeying.keyring.epochOf(epochByteOf(batch.arena, at));
    if (epoch < 0) return this.drops.count('session-epoch');
    const high = counterHighOf(batch.arena, at);
    const low = counterLowOf(batch.arena, at);
    if (!session.wouldAccept(high * TWO_32 + low)) return this.drops.count('session-replayed');
    const job = this.count * JOB_WORDS;
    this.jobs[job] = session.rekeying.keyring.receiveSlot(epoch);
    this.jobs[job + 1] = high;
    this.jobs[job + 2] = low;
    this.jobs[job + 3] = at;
    this.jobs[job + 4] = SESSION_HEADER_BYTES;
    this.jobs[job + 5] = length - SESSION_OVERHEAD_BYTES;
    this.jobs[job + 7] = index;
    this.sessions[this.count] = session;
    this.epochs[this.count] = epoch;
    this.count += 1;
  }

  /** Opens what was gathered. A handler may close sessions; what was gathered for them is not handed on. */
  open(now: number): void {
    if (this.count === 0) return;
    const { jobs, datagram } = this;
    const count = this.count;
    this.count = 0;
    this.cipher.openBatch(datagram.batch.arena, jobs, count);
    for (let i = 0; i < count; i += datagram.datagrams) {
      const session = this.sessions[i];
      const job = i * JOB_WORDS;
      datagram.datagrams = 1;
      if (jobs[job + 6] !== JOB_OK) {
        this.drops.count('session-tag');
      } else if (session !== undefined && session.state !== 'closed') {
        datagram.index = jobs[job + 7];
        datagram.epoch = this.epochs[i];
        datagram.counter = this.counterOf(i);
        datagram.framesAt = jobs[job + 3] + SESSION_HEADER_BYTES;
        datagram.framesEnd = datagram.framesAt + jobs[job + 5];
        if (!this.events.accepts(session, datagram, now)) continue;
        datagram.datagrams += this.joinFrom(i, count, session);
        this.events.opened(session, datagram, now);
      }
    }
    for (let i = 0; i < count; i++) this.sessions[i] = undefined;
  }

  /** Joins what follows datagram `first` and goes on with its piece; how many. */
  private joinFrom(first: number, count: number, session: Session): number {
    const { jobs, datagram } = this;
    const { batch, run } = datagram;
    if (first + 1 === count || !run.begin(batch.arena, datagram.framesAt, datagram.framesEnd)) return 0;
    let next = first + 1;
    for (; next < count; next++) {
      const job = next * JOB_WORDS;
      if (jobs[job + 6] !== JOB_OK || this.sessions[next] !== session || this.epochs[next] !== datagram.epoch) break;
      const counter = this.counterOf(next);
      if (counter !== datagram.counter + next - first) break;
      const from = jobs[job + 7];
      const { endpoints } = batch;
      if (!sameEndpoint(endpoints, datagram.index * ENDPOINT_BYTES, endpoints, from * ENDPOINT_BYTES)) break;
      const framesAt = jobs[job + 3] + SESSION_HEADER_BYTES;
      if (!run.fits(batch.arena, framesAt, framesAt + jobs[job + 5])) break;
      if (!session.acceptNext(counter, batch.lengths[from])) break;
      run.join();
    }
    return next - first - 1;
  }

  private counterOf(index: number): number {
    const job = index * JOB_WORDS;
    return this.jobs[job + 1] * TWO_32 + this.jobs[job + 2];
  }
}
