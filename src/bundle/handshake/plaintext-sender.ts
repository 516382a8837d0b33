/** Writes the messages of one session (docs/protocol.md section 6.2) into the sealer, under the epoch it sends with. */
import type { NodeKey } from '../../base/ids.ts';
import { RangeBlocks } from '../../wire/ack-ranges.ts';
import {
  addReportEntry,
  beginReport,
  type CloseReason,
  DATA_HEAD_BYTES,
  MAX_REPORT_ENTRY_BYTES,
  writeClose,
  writeDatagramHead,
  writeDataHead,
  writeNeighbour,
  writeNeighbourOk,
  writeProbe,
  writeRekey,
} from '../../wire/route-message.ts';
import type { MessageCopy, MessagePool } from '../queue/message-pool.ts';
import type { BundleRoute } from '../routes/bundle-route.ts';
import type { Epochs } from './epochs.ts';
import type { Sealer } from './sealer.ts';

/** No message but DATA, DATAGRAM and REPORT is longer. */
const SMALL_BYTES = 64;
/** Written from at once. */
const blocks = new RangeBlocks();

export class PlaintextSender {
  private readonly sealer: Sealer;
  private readonly epochs: Epochs;
  private readonly pool: MessagePool;

  constructor(sealer: Sealer, epochs: Epochs, pool: MessagePool) {
    this.sealer = sealer;
    this.epochs = epochs;
    this.pool = pool;
  }

  /** The copy stays in the route's flight. */
  data(route: BundleRoute, copy: MessageCopy, now: number): void {
    this.commitFlow(route, this.writeData(copy, now), copy, now);
  }

  /** The same message over another route: it stays in the flight of the first one only. */
  duplicate(route: BundleRoute, copy: MessageCopy, now: number): void {
    this.commitFlow(route, this.writeData(copy, now), undefined, now);
  }

  probe(route: BundleRoute, now: number): void {
    const at = this.sealer.reserve(SMALL_BYTES, now);
    this.commit(route, writeProbe(this.sealer.arena, at, 'probe', route.nextProbe(now)), undefined, now);
  }

  probeReply(route: BundleRoute, token: number, now: number): void {
    const at = this.sealer.reserve(SMALL_BYTES, now);
    this.commit(route, writeProbe(this.sealer.arena, at, 'probeReply', token), undefined, now);
  }

  rekey(route: BundleRoute, kind: 'rekey' | 'rekeyAck', epoch: number, ephemeral: Uint8Array, now: number): void {
    const at = this.sealer.reserve(SMALL_BYTES, now);
    this.commit(route, writeRekey(this.sealer.arena, at, kind, epoch, ephemeral), undefined, now);
  }

  close(route: BundleRoute, reason: CloseReason, now: number): void {
    const at = this.sealer.reserve(SMALL_BYTES, now);
    this.commit(route, writeClose(this.sealer.arena, at, reason), undefined, now);
  }

  /** Client: the far end of the route, `node`, is this node's neighbour. */
  neighbour(route: BundleRoute, node: NodeKey, now: number): void {
    const at = this.sealer.reserve(SMALL_BYTES, now);
    this.commit(route, writeNeighbour(this.sealer.arena, at, node), undefined, now);
  }

  /** Service: it is. */
  neighbourOk(route: BundleRoute, now: number): void {
    const at = this.sealer.reserve(SMALL_BYTES, now);
    this.commit(route, writeNeighbourOk(this.sealer.arena, at), undefined, now);
  }

  /**
   * Reports on `via` what arrived on `about`, and on every other of the live routes where there is news. Of `about` it
   * tells some of what arrived long ago, too: the reports that told it first may have been lost, or had no place for
   * it.
   */
  report(via: BundleRoute, about: BundleRoute, live: readonly BundleRoute[], now: number): void {
    const at = this.sealer.reserve(SMALL_BYTES + (live.length + 1) * MAX_REPORT_ENTRY_BYTES, now);
    let to = at + beginReport(this.sealer.arena, at);
    for (const route of live) {
      if (route !== about && !route.arrivals.hasNews(now)) continue;
      route.arrivals.newest(blocks);
      to += addReportEntry(this.sealer.arena, to, route.index, route.arrivals.delayMs(now), blocks);
      route.arrivals.told(route !== about && via.answersLike(route), now);
    }
    if (about.arrivals.older(blocks)) to += addReportEntry(this.sealer.arena, to, about.index, 0, blocks);
    this.commitFlow(via, to - at, undefined, now);
  }

  /** Seals and sends at once what was written so far. */
  flush(now: number): void {
    this.sealer.flush(now);
  }

  private writeData(copy: MessageCopy, now: number): number {
    const at = this.sealer.reserve(DATA_HEAD_BYTES + copy.length, now);
    const { arena } = this.sealer;
    const headBytes = copy.realTime
      ? writeDatagramHead(arena, at, copy.sequence)
      : writeDataHead(arena, at, copy.sequence, copy.back);
    arena.set(copy.buffer.subarray(0, copy.length), at + headBytes);
    return headBytes + copy.length;
  }

  /** DATA, DATAGRAM and REPORT. */
  private commitFlow(route: BundleRoute, bytes: number, copy: MessageCopy | undefined, now: number): void {
    this.commit(route, bytes, copy, now, route.seal === 'link');
  }

  private commit(
    route: BundleRoute,
    bytes: number,
    copy: MessageCopy | undefined,
    now: number,
    isBare: boolean = false,
  ): void {
    // A session that may send at all is the only kind that has routes.
    const keys = isBare ? undefined : this.epochs.sending!;
    const evicted = this.sealer.commit(route, keys, bytes, copy, now);
    if (evicted !== undefined) this.pool.release(evicted);
  }
}
