/** Routes over real link layers: what a chain of lossy wires delivers. */
import { describe, expect, it } from 'vitest';
import { REAL_TIME, RELIABLE, SENT_ONCE } from '../../../src/base/traffic-class.ts';
import { LinkChain, type Shape } from './link-chain.ts';

const TEN_MEGABITS: Shape = { bytesPerMs: 1_250, queueBytes: 64_000, delayMs: 5, loss: 0 };
const MESSAGE_BYTES = 1_398;

/** A chain whose links are up and whose wires are then as given. */
function chainOf(hops: number, shape: Partial<Shape>): LinkChain {
  const chain = new LinkChain(1, hops + 1, TEN_MEGABITS);
  chain.run(1_500);
  chain.reshape(shape);
  return chain;
}

/** Keeps a route full from now on, until what it answers is called. How many messages were sent so far is on it. */
function saturate(chain: LinkChain, over = {}): { stop(): void; readonly sent: number[] } {
  const [origin] = chain.nodes;
  const route = chain.open(over);
  const message = new Uint8Array(MESSAGE_BYTES);
  const sent: number[] = [];
  let stopped = false;
  const fill = (): void => {
    while (!stopped) {
      const number = origin.routes.send(route, message, chain.now);
      if (number < 0) return;
      sent[number] = chain.now;
    }
  };
  chain.onWritable = (node) => {
    if (node === origin) fill();
  };
  fill();
  return {
    stop: () => {
      stopped = true;
    },
    sent,
  };
}

describe('a route over real links', () => {
  it('carries nearly half of what the wires can, over three hops that lose half each way, and loses nothing', () => {
    const chain = chainOf(3, { loss: 0.5 });
    const exit = chain.nodes[3];
    const source = saturate(chain);
    chain.run(2_000);
    const before = exit.arrived.length;
    chain.run(4_000);
    const share = ((exit.arrived.length - before) * MESSAGE_BYTES) / (4_000 * TEN_MEGABITS.bytesPerMs);
    // 1,398 of 1,500 bytes on the wire, each sent twice: 0.466 is the ceiling.
    expect(share).toBeGreaterThan(0.41);
    source.stop();
    chain.run(4_000);
    expect(exit.arrived.length).toBe(source.sent.length);
    expect(new Set(exit.arrived.map(({ number }) => number)).size).toBe(source.sent.length);
    expect(exit.lost).toEqual([]);
    for (const { routes, failed } of chain.nodes) {
      expect(routes.status().memory.usedBytes).toBe(0);
      expect(failed).toEqual([]);
    }
  });

  it('fills a wire that is slower than those before it without losing a datagram in its queue', () => {
    const chain = chainOf(3, {});
    Object.assign(chain.wire(1, 2), { bytesPerMs: 250 });
    const exit = chain.nodes[3];
    const source = saturate(chain);
    chain.run(4_000);
    const wire = chain.wire(1, 2);
    const [before, dropped] = [wire.carriedBytes, wire.droppedForQueue];
    chain.run(4_000);
    expect((wire.carriedBytes - before) / (4_000 * 250)).toBeGreaterThan(0.95);
    expect(wire.droppedForQueue).toBe(dropped);
    const waits = exit.arrived.slice(-500).map(({ number, at }) => at - source.sent[number]);
    expect(Math.max(...waits)).toBeLessThan(250);
    expect(exit.lost).toEqual([]);
  });

  it('brings Real Time in time over a link that Bulk fills', () => {
    const chain = chainOf(2, {});
    const [origin, , exit] = chain.nodes;
    saturate(chain);
    const voice = chain.open({ trafficClass: REAL_TIME, deliveryMs: 150 });
    chain.run(1_000);
    const spoken: number[] = [];
    const speak = (): void => {
      const number = origin.routes.send(voice, new Uint8Array(200).fill(7), chain.now);
      spoken[number] = chain.now;
      if (spoken.length < 300) chain.later(10, speak);
    };
    speak();
    chain.run(3_500);
    const heard = exit.arrived.filter(({ first }) => first === 7);
    expect(heard.length).toBe(300);
    const waits = heard.map(({ number, at }) => at - spoken[number]).sort((x, y) => x - y);
    // Two hops of 5 ms, two datagrams of 1.2 ms below the scheduler on each.
    expect(waits[Math.floor(0.99 * waits.length)]).toBeLessThan(20);
  });

  it.each([
    ['once', SENT_ONCE],
    ['for 100 ms', 100],
    ['until it is through', RELIABLE],
  ])('accounts for every message that is tried %s', (_, deliveryMs) => {
    const chain = chainOf(2, { loss: 0.2 });
    const exit = chain.nodes[2];
    const source = saturate(chain, { deliveryMs });
    chain.run(2_000);
    source.stop();
    chain.run(4_000);
    expect(exit.arrived.length + exit.lost.length).toBe(source.sent.length);
    expect(exit.lost.length > 0).toBe(deliveryMs !== RELIABLE);
    for (const { routes } of chain.nodes) expect(routes.status().memory.usedBytes).toBe(0);
  });
});
