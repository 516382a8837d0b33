import { beforeEach, describe, expect, test } from 'vitest';
import { NEVER } from '../../../../src/base/env.ts';
import { LossDetection } from '../../../../src/link/arq/loss-detection.ts';
import { RoundTrip } from '../../../../src/link/arq/round-trip.ts';
import { FLYING, QUIET, SentLog } from '../../../../src/link/arq/sent-log.ts';
import { RangeBlocks } from '../../../../src/wire/ack-ranges.ts';

/** A link of 20 ms on which every datagram carries one frame, whose token is the counter. */
class Flight {
  readonly log = new SentLog(16, 4_096);
  readonly roundTrip = new RoundTrip(200);
  readonly acked: number[] = [];
  readonly lost: number[] = [];
  readonly losses: LossDetection;

  constructor() {
    const fates = {
      framesAcked: (tokens: Float64Array, count: number) => void this.acked.push(...tokens.subarray(0, count)),
      frameLost: (token: number) => this.lost.push(token),
    };
    this.losses = new LossDetection(this.log, this.roundTrip, fates, 0);
    // A variation of 4 x 0.5 ms: a probe timeout of 24 ms.
    for (let i = 0; i < 60; i++) this.roundTrip.sample(20 + (i % 2) * 0.6);
  }

  send(now: number, realTime = false): void {
    this.log.addToken(this.log.next);
    this.log.add(FLYING, 100, 0, now);
    this.losses.sent(1, realTime, now);
  }

  /** Blocks as [high, low]. */
  ack(now: number, ...pairs: [number, number][]): boolean {
    const blocks = new RangeBlocks();
    pairs.forEach(([high, low], i) => {
      blocks.high[i] = high;
      blocks.low[i] = low;
    });
    blocks.count = pairs.length;
    return this.losses.acknowledge({ delayMs: 0, arrivedUs: 0, blocks }, now);
  }
}

let flight: Flight;
beforeEach(() => {
  flight = new Flight();
});

describe('acknowledged', () => {
  test('is told once, however often it is said', () => {
    for (let i = 0; i < 4; i++) flight.send(i);
    flight.ack(20, [1, 0]);
    flight.ack(22, [3, 0]);
    flight.ack(23, [3, 0]);
    expect(flight.acked.sort()).toEqual([0, 1, 2, 3]);
    expect([flight.losses.flyingBytes, flight.losses.ackedBytes, flight.log.first]).toEqual([0, 0, 4]);
    expect(flight.losses.nextWakeAt()).toBe(NEVER);
  });

  test('counts for the round trip when it is the largest, less the delay of the ACK', () => {
    const before = flight.roundTrip.smoothedMs;
    flight.send(100);
    flight.send(101);
    const blocks = new RangeBlocks();
    [blocks.high[0], blocks.low[0], blocks.count] = [1, 0, 1];
    flight.losses.acknowledge({ delayMs: 19, arrivedUs: 0, blocks }, 160);
    expect(flight.losses.arrival).toMatchObject({ sentAt: 101, roundTripMs: 40 });
    expect(flight.roundTrip.smoothedMs).toBeCloseTo(before + (40 - before) / 8);
    flight.losses.acknowledge({ delayMs: 0, arrivedUs: 0, blocks }, 200);
    expect(flight.losses.arrival.total).toBe(-1);
  });

  test('may not be what was never sent', () => {
    flight.send(0);
    expect(flight.ack(20, [1, 0])).toBe(false);
    expect(flight.acked).toEqual([]);
  });
});

describe('lost', () => {
  test('is what was sent three before the largest that arrived', () => {
    for (let i = 0; i < 5; i++) flight.send(0);
    flight.ack(20, [2, 1]);
    expect(flight.lost).toEqual([]);
    flight.ack(20, [3, 1]);
    expect(flight.lost).toEqual([0]);
    expect(flight.losses.flyingBytes).toBe(100);
    expect(flight.losses.lostBytes).toBe(100);
  });

  test('is what is 9/8 of a round trip old when a later one arrived', () => {
    flight.send(0);
    flight.send(1);
    flight.ack(21, [1, 1]);
    expect(flight.lost).toEqual([]);
    const at = flight.losses.nextWakeAt();
    expect(at).toBeCloseTo((9 / 8) * flight.roundTrip.smoothedMs);
    flight.losses.wake(at - 0.1);
    expect(flight.lost).toEqual([]);
    flight.losses.wake(at);
    expect(flight.lost).toEqual([0]);
  });

  test('is told of again when it arrives after all', () => {
    for (let i = 0; i < 4; i++) flight.send(0);
    flight.ack(20, [3, 1]);
    flight.ack(25, [3, 0]);
    expect([flight.lost, flight.acked.includes(0), flight.losses.lateDatagrams]).toEqual([[0], true, 1]);
    expect(flight.losses.flyingBytes).toBe(0);
  });

  test('needs more than three later ones where datagrams overtake each other', () => {
    for (let i = 0; i < 20; i++) flight.send(0);
    flight.ack(20, [9, 1]);
    expect(flight.lost).toEqual([0]);
    flight.ack(21, [9, 0]);
    flight.ack(22, [18, 11], [9, 0]);
    expect(flight.lost).toEqual([0]);
    flight.ack(23, [19, 11], [9, 0]);
    expect(flight.lost).toEqual([0]);
    flight.ack(24, [19, 0]);
    for (let i = 0; i < 4_096; i++) {
      flight.send(30);
      flight.ack(50, [flight.log.next - 1, flight.log.next - 1]);
    }
    const next = flight.log.next;
    for (let i = 0; i < 7; i++) flight.send(60);
    flight.ack(80, [next + 5, next + 1]);
    expect(flight.lost.at(-1)).toBe(next);
  });

  test('is no datagram that asks for nothing', () => {
    flight.log.add(QUIET, 64, 0, 0);
    for (let i = 0; i < 4; i++) flight.send(0);
    flight.ack(20, [4, 1]);
    expect(flight.lost).toEqual([]);
    expect(flight.log.first).toBe(5);
  });
});

describe('a probe timeout', () => {
  test('takes the two oldest for lost when nothing is acknowledged, and then waits longer, up to four times', () => {
    for (let i = 0; i < 9; i++) flight.send(0);
    const timeout = flight.losses.bulkProbeMs;
    expect(timeout).toBeCloseTo(flight.roundTrip.smoothedMs + 2 + 2);
    const times: number[] = [];
    for (let now = 0; flight.losses.flyingBytes > 0; now = flight.losses.nextWakeAt()) {
      if (flight.losses.wake(now)) times.push(now / timeout);
    }
    expect(times.map((time) => Math.round(100 * time) / 100)).toEqual([1, 3, 7, 11, 15]);
    expect(flight.lost).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('waits for ACKs that came late of late, 8 ms at most', () => {
    const soon = flight.losses.bulkProbeMs;
    flight.send(0);
    const blocks = new RangeBlocks();
    [blocks.high[0], blocks.low[0], blocks.count] = [0, 0, 1];
    flight.losses.acknowledge({ delayMs: 60, arrivedUs: 0, blocks }, 80);
    expect(flight.losses.bulkProbeMs).toBeCloseTo(soon + 6, 0);
    for (let i = 1; i < 200; i++) {
      flight.send(100 * i);
      flight.ack(100 * i + 20.3, [i, i]);
    }
    expect(flight.losses.bulkProbeMs).toBeCloseTo(soon, 0);
  });

  test('begins anew with whatever is acknowledged', () => {
    for (let i = 0; i < 5; i++) flight.send(i);
    flight.ack(20, [0, 0]);
    expect(flight.losses.nextWakeAt()).toBe(20 + flight.losses.bulkProbeMs);
  });

  test('spares the second one when it is younger than a round trip', () => {
    flight.send(0);
    flight.send(23);
    expect(flight.losses.wake(flight.losses.bulkProbeMs)).toBe(true);
    expect(flight.lost).toEqual([0]);
  });

  test('is 3 ms behind the round trip where somebody waits, for each datagram by itself', () => {
    flight.send(0, true);
    flight.send(0.2);
    flight.send(0.5, true);
    expect(flight.losses.nextWakeAt()).toBe(flight.roundTrip.smoothedMs + 3);
    flight.losses.wake(flight.losses.nextWakeAt());
    expect(flight.lost).toEqual([0]);
    flight.losses.wake(0.5 + flight.losses.realTimeProbeMs);
    expect(flight.lost).toEqual([0, 2]);
  });

  test('does not back off on a link that is known to lose a lot', () => {
    for (let i = 0; i < 128; i++) flight.send(0);
    for (let i = 3; i < 128; i += 4) flight.ack(20, [i, i]);
    expect(flight.losses.meter.share).toBeGreaterThan(0.2);
    for (let i = 0; i < 8; i++) flight.send(30);
    const from = flight.losses.nextWakeAt();
    const times: number[] = [];
    for (let now = from; flight.losses.flyingBytes > 0; now = flight.losses.nextWakeAt()) {
      if (flight.losses.wake(now)) times.push(now);
    }
    expect(times.length).toBe(4);
    for (let i = 1; i < 4; i++) expect(times[i] - times[i - 1]).toBeCloseTo(flight.losses.bulkProbeMs);
  });

  test('without an answer until 64 are lost makes a link silent: then timeouts get longer even where much is lost', () => {
    const { losses } = flight;
    for (let i = 0; i < 128; i++) flight.send(0);
    for (let i = 3; i < 128; i += 4) flight.ack(20, [i, i]);
    flight.ack(20, [127, 124]);
    expect(losses.flyingBytes).toBe(0);
    const before = flight.lost.length;
    for (let i = 0; i < 100; i++) flight.send(30, i % 2 === 0);
    while (!losses.isSilent) losses.wake(losses.nextWakeAt());
    expect(flight.lost.length - before).toBe(64);
    const waits: number[] = [];
    for (let now = losses.probeAt; waits.length < 40; now = losses.probeAt) {
      expect(losses.wake(now)).toBe(true);
      waits.push((losses.probeAt - now) / losses.bulkProbeMs);
    }
    expect(losses.flyingBytes).toBe(0);
    expect(waits.at(-1)).toBeCloseTo(4);
    losses.heard();
    expect([losses.isSilent, losses.probeAt]).toEqual([false, NEVER]);
  });
});
