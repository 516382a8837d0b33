import { describe, expect, test } from 'vitest';
import { LeasePool } from '../../../src/tunnel/lease-pool.ts';
import { ipv4, MemorySession, prefix } from './packets.ts';

const HOUR_MS = 3_600_000;
const NOW = 1_700_000_000_000;

function createPool(text = '10.64.0.0/16', maxLeases = 1_000): LeasePool {
  return new LeasePool({ pool: prefix(text), leaseSeconds: 3_600, maxLeases });
}

const keyOf = (name: number): Uint8Array => new MemorySession(name).clientKey;

function addressOf(pool: LeasePool, name: number, wanted = 0, wallMs = NOW): number | undefined {
  return pool.request(keyOf(name), wanted, wallMs)?.lease.address;
}

describe('a lease pool', () => {
  test('has the first address for the gateway, and all but network and broadcast for clients', () => {
    expect(createPool('10.64.0.0/16')).toMatchObject({ gateway: ipv4('10.64.0.1'), size: 65_533 });
    expect(createPool('10.64.0.4/30')).toMatchObject({ gateway: ipv4('10.64.0.5'), size: 1 });
    expect(createPool('10.64.0.0/31').size).toBe(0);
  });

  test('gives a client the same address again, over renewals and another pool of the same network', () => {
    const address = addressOf(createPool(), 1);
    const pool = createPool();
    addressOf(pool, 2);
    expect(addressOf(pool, 1)).toBe(address);
    expect(addressOf(pool, 1)).toBe(address);
    expect(pool.count).toBe(2);
  });

  test('gives out every address of a small pool once, then none', () => {
    const pool = createPool('10.64.0.0/28');
    const addresses = Array.from({ length: 13 }, (_, name) => addressOf(pool, name));
    expect(new Set(addresses).size).toBe(13);
    expect(Math.min(...addresses.map(Number))).toBe(ipv4('10.64.0.2'));
    expect(Math.max(...addresses.map(Number))).toBe(ipv4('10.64.0.14'));
    expect(addressOf(pool, 99)).toBeUndefined();
  });

  test('gives the wanted address if it is free and a client may have it', () => {
    const pool = createPool();
    expect(addressOf(pool, 1, ipv4('10.64.200.7'))).toBe(ipv4('10.64.200.7'));
    for (const wanted of ['10.64.200.7', '10.64.0.0', '10.64.0.1', '10.64.255.255', '192.168.0.5']) {
      expect(addressOf(pool, 2, ipv4(wanted))).not.toBe(ipv4(wanted));
    }
  });

  test('has no more leases than its limit', () => {
    const pool = createPool('10.64.0.0/16', 3);
    for (const name of [1, 2, 3]) expect(addressOf(pool, name)).toBeDefined();
    expect(addressOf(pool, 4)).toBeUndefined();
    expect(addressOf(pool, 3)).toBeDefined();
  });

  test('ends a lease that is not renewed, and gives its address to others only then', () => {
    const pool = createPool('10.64.0.0/30');
    addressOf(pool, 1);
    expect(pool.find(keyOf(1), NOW + HOUR_MS - 1)).toBeDefined();
    expect(pool.find(keyOf(1), NOW + HOUR_MS)).toBeUndefined();
    expect(addressOf(pool, 2, 0, NOW + HOUR_MS - 1)).toBeUndefined();
    expect(addressOf(pool, 2, 0, NOW + HOUR_MS)).toBe(ipv4('10.64.0.2'));
  });

  test('a lease that was renewed lives from then on', () => {
    const pool = createPool();
    addressOf(pool, 1);
    addressOf(pool, 1, 0, NOW + HOUR_MS / 2);
    expect(pool.sweep(NOW + HOUR_MS)).toBe(0);
    expect(pool.sweep(NOW + 1.5 * HOUR_MS)).toBe(1);
    expect(pool.count).toBe(0);
  });
});

describe('its lines', () => {
  test('bring back the same leases', () => {
    const pool = createPool();
    const addresses = [1, 2, 3].map((name) => addressOf(pool, name, ipv4('10.64.3.0') + name));
    const restored = createPool();
    expect(restored.addLines(pool.toLines())).toBe(0);
    expect([1, 2, 3].map((name) => restored.find(keyOf(name), NOW)?.address)).toEqual(addresses);
    expect(restored.find(keyOf(1), NOW + HOUR_MS)).toBeUndefined();
  });

  test('that are broken, outside of the pool or double are left out and counted', () => {
    const key = '02'.repeat(33);
    const other = '03'.repeat(33);
    const lines = [
      `10.64.0.7 ${key} 1700000000000`,
      `10.64.0.7 ${other} 1700000000000`,
      `10.64.0.8 ${key} 1700000000000`,
      `10.65.0.8 ${other} 1700000000000`,
      `10.64.0.1 ${other} 1700000000000`,
      `10.64.0.9 ${other}00 1700000000000`,
      `10.64.0.9 ${other} soon`,
      'nonsense',
      '',
    ];
    const pool = createPool();
    expect(pool.addLines(lines)).toBe(8);
    expect(pool.count).toBe(1);
  });

  test('beyond the limit are left out', () => {
    const pool = createPool();
    for (const name of [1, 2, 3]) addressOf(pool, name);
    const small = createPool('10.64.0.0/16', 2);
    expect(small.addLines(pool.toLines())).toBe(1);
    expect(small.count).toBe(2);
  });
});
