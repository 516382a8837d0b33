import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatIpv4Prefix, overlap, parseIpv4Prefix } from '../../../src/control/ip-text.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { acceptConfig } from '../../../src/daemon/config-file.ts';
import { firstConfig } from '../../../src/daemon/first-config.ts';
import { choosePool, withGateway } from '../../../src/daemon/gateway-config.ts';
import { createSecret } from '../../../src/daemon/key-file.ts';

const CHOICE = { pool: parseIpv4Prefix('10.64.0.0/16')!, uplink: 'eth0', dns: '192.0.2.53' };
const accept = (text: string) => acceptConfig(text, 'test.toml', nobleCurve, () => {});
const someKey = () => Buffer.from(nobleCurve.publicKey(createSecret(nobleCurve))).toString('hex');
function complete(text: string, peers: readonly string[] = []): string {
  const config = accept(text);
  return withGateway(text, config, config.gateway === undefined ? CHOICE : undefined, peers);
}

test('an empty machine becomes a gateway with the peers that were named', () => {
  const key = someKey();
  const config = accept(complete(firstConfig('exit 1'), [key, key]));
  expect(config.node.name).toBe('exit1');
  expect(config.gateway).toMatchObject({ uplink: 'eth0', dns: '192.0.2.53' });
  expect(formatIpv4Prefix(config.gateway!.pool)).toBe('10.64.0.0/16');
  expect(config.peers.map((peer) => peer.key)).toEqual([key]);
});

test('done again it changes nothing, and what a person wrote stays as it is', () => {
  const [first, second] = [someKey(), someKey()];
  const own = `# mine\n[node]\nname = "roof"   # the tall one\n\n[[peer]]\nkey = "${first}"\nendpoint = "192.0.2.7:6969"\n`;
  const once = complete(own, [first]);
  expect(once.startsWith(own)).toBe(true);
  expect(complete(once, [first])).toBe(once);
  const twice = complete(once, [first, second]);
  expect(twice.startsWith(once.trimEnd())).toBe(true);
  expect(accept(twice).peers.map((peer) => peer.key)).toEqual([first, second]);
});

test('a gateway table that is switched off is for a person to decide about', () => {
  const off = '[gateway]\nenable = false\n';
  expect(() => complete(off)).toThrow(/switched off/);
});

test('the pool is a network that the machine has no part in, or none', () => {
  const network = fc.record({
    address: fc.integer({ min: 10 * 2 ** 24, max: 10 * 2 ** 24 + 2 ** 24 - 1 }),
    prefixLength: fc.integer({ min: 9, max: 30 }),
  });
  fc.assert(
    fc.property(fc.array(network, { maxLength: 6 }), (own) => {
      const pool = choosePool(own);
      if (pool !== undefined) expect(own.some((other) => overlap(other, pool))).toBe(false);
    }),
  );
  expect(formatIpv4Prefix(choosePool([])!)).toBe('10.64.0.0/16');
  expect(formatIpv4Prefix(choosePool([parseIpv4Prefix('10.64.3.0/24')!])!)).toBe('10.65.0.0/16');
  expect(choosePool([parseIpv4Prefix('10.0.0.0/8')!])).toBeUndefined();
});
