import { expect, test } from 'vitest';
import { GatewayLoad } from '../../../src/node/gateway-load.ts';

const MBIT_FOR_10_S_BYTES = 1_250_000;

test('the load is the larger share of line and addresses, in tenths and over 10 s', () => {
  const load = new GatewayLoad(10_000);
  expect(load.note({ leasedShare: 0.25, bytesUp: 0, bytesDown: 0 }, 0)).toBe(0.2);
  const used = { leasedShare: 0.25, bytesUp: MBIT_FOR_10_S_BYTES, bytesDown: 7.5 * MBIT_FOR_10_S_BYTES };
  expect(load.note(used, 9_999)).toBe(0.2);
  expect(load.note(used, 10_000)).toBe(0.7);
  expect(load.note(used, 20_000)).toBe(0.2);
  expect(load.note({ ...used, bytesUp: 1e12 }, 30_000)).toBe(1);
});

test('without a known line addresses alone count', () => {
  const load = new GatewayLoad(0);
  load.note({ leasedShare: 0, bytesUp: 0, bytesDown: 0 }, 0);
  expect(load.note({ leasedShare: 0.9, bytesUp: 1e12, bytesDown: 0 }, 10_000)).toBe(0.9);
});
