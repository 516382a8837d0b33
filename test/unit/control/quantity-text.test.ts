import { describe, expect, test } from 'vitest';
import { DEADLINE_MAX_MS, RELIABLE, SENT_ONCE } from '../../../src/base/traffic-class.ts';
import { formatDelivery, parseDelivery } from '../../../src/control/delivery-text.ts';
import { parseBitRate, parseBytes, parseShare } from '../../../src/control/quantity-text.ts';

describe('amounts', () => {
  test.each([
    ['64MB', 64e6],
    ['64 MB', 64e6],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['1.001kB', 1_001],
    ['512KiB', 524_288],
    ['0.333MB', 333_000],
  ])('of memory: %s', (text, bytes) => expect(parseBytes(text)).toBe(bytes));

  test.each([
    ['20Mbit', 20e6],
    ['512 kbit', 512e3],
    ['2.5Gbit', 2.5e9],
  ])('of bits a second: %s', (text, bits) => expect(parseBitRate(text)).toBe(bits));

  test.each([
    ['80%', 0.8],
    ['100 %', 1],
    ['12.5%', 0.125],
  ])('of the whole: %s', (text, share) => expect(parseShare(text)).toBeCloseTo(share, 12));

  test.each([
    '',
    '64',
    'MB',
    '64mb',
    '64Mb',
    '-1MB',
    '1e3MB',
    '64  MB',
    '64MB ',
    '0x10MB',
    '1234567MB',
    '1.2345MB',
    '٣MB',
  ])('are not guessed: %j', (text) =>
    expect([parseBytes(text), parseBitRate(text), parseShare(text)]).toEqual([undefined, undefined, undefined]),
  );

  test('keep bits, bytes and shares apart', () => {
    expect([parseBytes('1Mbit'), parseBytes('1%'), parseBitRate('1MB'), parseBitRate('1%'), parseShare('1MB')]).toEqual(
      Array(5).fill(undefined),
    );
    expect(parseShare('100.1%')).toBeUndefined();
  });

  test('of a unit that every object has are none', () => {
    expect(parseBytes('1constructor')).toBeUndefined();
  });
});

describe('delivery', () => {
  test.each([
    ['reliable', RELIABLE],
    ['unreliable', SENT_ONCE],
    ['150ms', 150],
    ['1ms', 1],
    ['65534ms', DEADLINE_MAX_MS],
  ])('%s is read, and written the same', (text, deliveryMs) => {
    expect(parseDelivery(text)).toBe(deliveryMs);
    expect(formatDelivery(deliveryMs)).toBe(text);
  });

  test('may be in seconds', () => expect(parseDelivery('2s')).toBe(2_000));

  test.each(['', 'Reliable', '150', '0ms', '65535ms', '66s', '1.5s', '-1ms', '150 ms', '015ms', '1h'])(
    'is not guessed: %j',
    (text) => expect(parseDelivery(text)).toBeUndefined(),
  );
});
