import { describe, expect, it } from 'vitest';
import { QueueDelay } from '../../../../src/link/congestion/queue-delay.ts';

const OFFSET = 123_456;
const BYTES = 1_000;

function feed(delay: QueueDelay, ...transits: number[]): void {
  for (const transit of transits) delay.sample(OFFSET + transit, BYTES, 0, 2 * transit);
}

describe('queue delay', () => {
  it('is what even the shortest transit of a round waited', () => {
    const delay = new QueueDelay();
    feed(delay, 5, 6);
    delay.startRound();
    expect(delay.roundMs).toBe(0);
    feed(delay, 25, 8, 40);
    expect(delay.roundSamples).toBe(3);
    expect(delay.roundMs).toBe(3);
  });

  it('believes a queue within a round when four samples agree', () => {
    const delay = new QueueDelay();
    feed(delay, 5, 5, 5, 5, 80, 60, 70);
    expect(delay.recentMs).toBe(0);
    feed(delay, 90);
    expect(delay.recentMs).toBe(55);
  });

  it('lets base fall at once and rise only when told to learn', () => {
    const delay = new QueueDelay();
    feed(delay, 10);
    delay.startPeriod();
    delay.startRound();
    feed(delay, 30, 32);
    expect(delay.roundMs).toBe(20);
    expect(delay.learn(0)).toBe(20);
    delay.startRound();
    feed(delay, 30);
    expect(delay.roundMs).toBe(0);
    expect(delay.leastRoundTripMs).toBe(60);
    feed(delay, 4);
    delay.startRound();
    feed(delay, 5);
    expect(delay.roundMs).toBe(1);
  });

  it('learns nothing from a period without samples', () => {
    const delay = new QueueDelay();
    feed(delay, 10);
    delay.startPeriod();
    expect(delay.learn(0)).toBe(0);
    delay.startRound();
    feed(delay, 12);
    expect(delay.roundMs).toBe(2);
  });

  it('does not take the time that a link needs for longer datagrams for a queue', () => {
    const delay = new QueueDelay();
    const msPerByte = 0.01;
    delay.sample(OFFSET + 6, 100, msPerByte, 12);
    delay.startRound();
    delay.sample(OFFSET + 15, 1_000, msPerByte, 21);
    expect(delay.roundMs).toBeCloseTo(0);
    delay.startRound();
    delay.sample(OFFSET + 17, 1_000, msPerByte, 23);
    expect(delay.roundMs).toBeCloseTo(2);
    // The shortest of a period may have been longer than base: the path has not changed.
    delay.startPeriod();
    delay.sample(OFFSET + 15, 1_000, msPerByte, 21);
    expect(delay.learn(msPerByte)).toBeCloseTo(0);
    delay.startRound();
    delay.sample(OFFSET + 6, 100, msPerByte, 12);
    expect(delay.roundMs).toBeCloseTo(0);
  });

  it('sees no queue before short datagrams where a link carries more than is known', () => {
    const delay = new QueueDelay();
    const thoughtMsPerByte = 0.03;
    delay.sample(OFFSET + 10, 100, thoughtMsPerByte, 20);
    delay.sample(OFFSET + 20, 1_100, thoughtMsPerByte, 30);
    delay.startRound();
    for (let i = 0; i < 4; i++) delay.sample(OFFSET + 10, 100, thoughtMsPerByte, 20);
    expect(delay.roundMs).toBe(0);
    expect(delay.recentMs).toBe(0);
    delay.startRound();
    for (let i = 0; i < 8; i++) delay.sample(OFFSET + 45, 100, thoughtMsPerByte, 55);
    expect(delay.roundMs).toBe(25);
    expect(delay.recentMs).toBe(25);
    delay.sample(OFFSET + 50, 1_100, thoughtMsPerByte, 60);
    expect(delay.roundMs).toBe(30);
  });

  it('measures noise by how samples differ, not by how high they are', () => {
    const quiet = new QueueDelay();
    const noisy = new QueueDelay();
    for (let i = 0; i < 100; i++) {
      feed(quiet, 50);
      feed(noisy, i % 2 === 0 ? 5 : 9);
    }
    expect(quiet.noiseMs).toBe(0);
    expect(noisy.noiseMs).toBeCloseTo(4, 1);
  });
});
