/**
 * A TCP in a session: what it may queue where it goes in, and what others in the same session wait.
 *
 *   TCP, window of segments ─┐
 *   a sparse flow ───────────┴▶ client ══ 10 Mb/s, 20 ms ══ service ── acknowledges each segment
 */
import { describe, expect, it } from 'vitest';
import { BULK } from '../../../src/base/traffic-class.ts';
import { numbered, numberOf, RoutePair } from './route-pair.ts';
import { FRAMING_BYTES } from './simulated-path.ts';

const SEGMENT_BYTES = 1_400;
const GREEDY = { trafficClass: BULK, flow: 1 } as const;
const SPARSE = { trafficClass: BULK, flow: 2 } as const;
const MARK_AT = 4;
const MARKED = 1;

/**
 * Slow start, then one segment a round trip more; halved once a round trip by a hole of three (RFC 5681) or by a mark
 * (RFC 3168).
 */
class Tcp {
  window = 10;
  retransmitted = 0;
  private threshold = Number.POSITIVE_INFINITY;
  private next = 0;
  private calmUntil = 0;
  private readonly unacked = new Set<number>();
  private readonly pair: RoutePair;

  constructor(pair: RoutePair) {
    this.pair = pair;
  }

  fill(): void {
    while (this.unacked.size < this.window) this.send(this.next++);
  }

  acked(number: number, marked: boolean): void {
    this.unacked.delete(number);
    this.window += this.window < this.threshold ? 1 : 1 / this.window;
    const [oldest] = this.unacked;
    const hole = oldest !== undefined && number - oldest >= 3;
    if (hole) {
      this.unacked.delete(oldest);
      this.send(oldest);
      this.retransmitted += 1;
    }
    if ((hole || marked) && this.pair.now >= this.calmUntil) {
      this.threshold = Math.max(2, this.window / 2);
      this.window = this.threshold;
      this.calmUntil = this.pair.now + 150;
    }
    this.fill();
  }

  private send(number: number): void {
    // What is sent again stands last in the set: a hole is looked for from the oldest on.
    this.unacked.add(number);
    this.pair.session.send(numbered(number, SEGMENT_BYTES), this.pair.now, GREEDY);
  }
}

function run(marks: boolean) {
  const pair = new RoutePair({ paths: [{ rateMbps: 10, delayMs: 20 }] });
  if (marks) {
    pair.clientOwner.mark = (_session, message) => {
      message[MARK_AT] = MARKED;
      return true;
    };
  }
  pair.serviceOwner.keep = false;
  pair.clientOwner.keep = false;
  const tcp = new Tcp(pair);
  const sparseTook: number[] = [];
  const sparseSentAt: number[] = [];
  pair.serviceOwner.onMessage = (session, bytes, now) => {
    if (bytes.length === SEGMENT_BYTES) session.send(Uint8Array.from(bytes.subarray(0, 5)), now, GREEDY);
    else sparseTook.push(now - sparseSentAt[numberOf(bytes)]);
  };
  pair.clientOwner.onMessage = (_session, bytes) => tcp.acked(numberOf(bytes), bytes[MARK_AT] === MARKED);
  pair.runTo(500);
  tcp.fill();
  pair.run(5_000);
  const before = pair.serviceOwner.bytes;
  const queueMs: number[] = [];
  for (let i = 0; i < 600; i++) {
    queueMs.push(pair.session.status(pair.now).queueBytes / 1_250);
    if (i % 5 === 0) pair.session.send(numbered(sparseSentAt.push(pair.now) - 1, 100), pair.now, SPARSE);
    pair.run(20);
  }
  queueMs.sort((a, b) => a - b);
  const share =
    (pair.serviceOwner.bytes - before) / (12_000 * 1_250 * (SEGMENT_BYTES / (SEGMENT_BYTES + 31 + FRAMING_BYTES)));
  return { pair, tcp, queueMs, share, sparseTook: sparseTook.sort((a, b) => a - b) };
}

describe('a greedy TCP in a session', () => {
  it.each([
    ['dropped', false],
    ['marked', true],
  ])('fills the path with a queue near 60 ms, whose messages are %s, and delays no sparse flow', (_, marks) => {
    const { pair, tcp, queueMs, share, sparseTook } = run(marks);
    const status = pair.session.status(pair.now);
    expect(share).toBeGreaterThan(0.95);
    expect(queueMs[queueMs.length >> 1]).toBeLessThan(90);
    expect(queueMs[Math.floor(0.95 * queueMs.length)]).toBeLessThan(150);
    // One way, what a route's own buffer holds, and a message or two.
    expect(sparseTook[Math.floor(0.95 * sparseTook.length)]).toBeLessThan(20 + 75 + 5);
    if (marks) {
      expect([status.queueDrops, tcp.retransmitted]).toEqual([0, 0]);
      expect(status.queueMarks).toBeGreaterThan(3);
    } else {
      expect(status.queueDrops).toBeGreaterThan(3);
      expect(tcp.retransmitted).toBeGreaterThanOrEqual(status.queueDrops);
    }
    // Nothing is lost or out of order behind the queue.
    expect(pair.serviceSession.status(pair.now).resequencer).toMatchObject({ lost: 0, late: 0 });
  });
});
