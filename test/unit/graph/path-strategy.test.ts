import { expect, test } from 'vitest';
import type { NodeKey } from '../../../src/base/ids.ts';
import type { GraphLink } from '../../../src/graph/graph-link.ts';
import { BALANCED, LOWEST_LATENCY } from '../../../src/graph/path-strategy.ts';

function link(fields: Partial<GraphLink>): GraphLink {
  const key = new Uint8Array(33) as NodeKey;
  return {
    key,
    keyText: '',
    number: 0,
    roundTripMs: 10,
    rateKbps: 0,
    lossShare: 0,
    detour: false,
    medium: 'unknown',
    price: 0,
    ...fields,
  };
}

test('latency counts with the repetitions that loss costs', () => {
  expect(LOWEST_LATENCY(link({ lossShare: 0.5 }))).toBe(20);
  expect(LOWEST_LATENCY(link({ lossShare: 1 }))).toBe(200);
  expect(LOWEST_LATENCY(link({ rateKbps: 100 }))).toBe(10);
});

test('a slow link costs a download more than a short detour over fast ones, and real time nothing', () => {
  const slow = link({ roundTripMs: 10, rateKbps: 2_000 });
  const fast = link({ roundTripMs: 12, rateKbps: 50_000 });
  expect(BALANCED(slow)).toBeGreaterThan(2 * BALANCED(fast));
  expect(LOWEST_LATENCY(slow)).toBeLessThan(LOWEST_LATENCY(fast));
});

test('a link that nobody used yet is neither fast nor slow', () => {
  const unknown = BALANCED(link({}));
  expect(unknown).toBeLessThan(BALANCED(link({ rateKbps: 2_000 })));
  expect(unknown).toBeGreaterThan(BALANCED(link({ rateKbps: 50_000 })));
});

test('who takes money for a download is passed by a way that is a little longer, and real time goes on', () => {
  const dear = link({ roundTripMs: 10, price: 32 });
  expect(BALANCED(dear)).toBeGreaterThan(BALANCED(link({ roundTripMs: 40 })));
  expect(BALANCED(dear)).toBeLessThan(BALANCED(link({ roundTripMs: 45 })));
  expect(LOWEST_LATENCY(dear)).toBe(10);
});
