import { expect, test } from 'vitest';
import type { LinkId } from '../../../src/base/ids.ts';
import { LinkRates } from '../../../src/node/link-rates.ts';

const link = 3 as LinkId;
type Shown = Parameters<LinkRates['note']>[1];
const shown = (deliveredBytesPerMs: number, queueMs = 0) => ({ deliveredBytesPerMs, queueMs }) as Shown;

test('a link that is hardly used is unknown, not slow', () => {
  expect(new LinkRates().note(link, shown(100))).toBe(0);
});

test('the rate is the most that was delivered, or what is delivered while a queue stands', () => {
  const rates = new LinkRates();
  expect(rates.note(link, shown(1_000))).toBe(8_000);
  expect(rates.note(link, shown(500))).toBe(8_000);
  expect(rates.note(link, shown(500, 20))).toBe(4_000);
  expect(rates.note(link, shown(0, 20))).toBe(4_000);
  rates.linkDown(link);
  expect(rates.note(link, shown(0))).toBe(0);
});
