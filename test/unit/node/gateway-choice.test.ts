import { describe, expect, test } from 'vitest';
import type { NodeKey, ServiceKey } from '../../../src/base/ids.ts';
import { GatewayChoice, type ReachableGateway } from '../../../src/node/gateway-choice.ts';
import { NO_ADVERT } from '../../../src/wire/gateway-advert.ts';

function gateway(name: number, roundTripMs: number, advert = NO_ADVERT): ReachableGateway {
  const node = new Uint8Array(33).fill(name) as NodeKey;
  return { node, service: node as Uint8Array as ServiceKey, advert, roundTripMs, rateKbps: 0, hops: 1 };
}

const near = gateway(1, 10);
const far = gateway(2, 200);

describe('a choice of gateways', () => {
  test('is the nearest one', () => {
    expect(new GatewayChoice().best([far, near], 0)).toBe(near);
    expect(new GatewayChoice().best([], 0)).toBeUndefined();
  });

  test('counts one that is half full as twice as far, and one that costs something behind all that are free', () => {
    const choice = new GatewayChoice();
    const half = gateway(3, 110, { ...NO_ADVERT, load: 0.5 });
    expect(choice.best([half, far], 0)).toBe(far);
    expect(choice.best([gateway(3, 90, half.advert), far], 0)!.roundTripMs).toBe(90);
    const dear = gateway(4, 1, { ...NO_ADVERT, price: 20 });
    const cheap = gateway(5, 5, { ...NO_ADVERT, price: 10 });
    const full = gateway(6, 3_000, { ...NO_ADVERT, load: 1 });
    expect(choice.best([dear, full], 0)).toBe(full);
    expect(choice.best([dear, cheap], 0)).toBe(cheap);
    choice.failed(full, 0);
    expect(choice.best([dear, full], 1)).toBe(dear);
  });

  test('leaves out one that failed for two minutes, unless it is the only one', () => {
    const choice = new GatewayChoice();
    choice.failed(near, 1_000);
    expect(choice.best([near, far], 2_000)).toBe(far);
    expect(choice.best([near], 2_000)).toBe(near);
    expect(choice.best([near, far], 120_999)).toBe(far);
    expect(choice.best([near, far], 121_000)).toBe(near);
  });

  test('is, when all failed, the one that did so first', () => {
    const choice = new GatewayChoice();
    choice.failed(far, 1_000);
    choice.failed(near, 2_000);
    expect(choice.best([near, far], 3_000)).toBe(far);
  });

  test('forgets the oldest failure beyond 64', () => {
    const choice = new GatewayChoice();
    for (let i = 0; i <= 64; i++) choice.failed(gateway(10 + i, 0), i);
    expect(choice.best([gateway(10, 50), gateway(11, 5)], 100)!.roundTripMs).toBe(50);
  });
});
