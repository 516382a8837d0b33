import { describe, expect, test } from 'vitest';
import { MAX_CONFIG_CHARACTERS, parseConfig } from '../../../src/control/config.ts';
import {
  MAX_ALLOW,
  MAX_LISTEN,
  MAX_PEERS,
  MAX_POLICY_ITEMS,
  MAX_POLICY_RULES,
} from '../../../src/control/config-schema.ts';

describe('the bounds of a configuration', () => {
  const peers = (count: number) =>
    Array.from({ length: count }, (_, index) => `[[peer]]\nkey = "02${index.toString(16).padStart(64, '0')}"\n`).join(
      '',
    );

  test('as many peers as a record can hold, and no more', () => {
    expect(parseConfig(peers(MAX_PEERS), 'f').config?.peers).toHaveLength(MAX_PEERS);
    expect(parseConfig(peers(MAX_PEERS + 1), 'f').problems).toMatchObject([{ key: 'peer', line: 1 }]);
  });

  test('as many sockets and allowed networks as the lists take', () => {
    const udp = (count: number) => `[listen]\nudp = [${Array.from({ length: count }, (_, i) => `"0.0.0.0:${i + 1}"`)}]`;
    expect(parseConfig(udp(MAX_LISTEN), 'f').problems).toBeUndefined();
    expect(parseConfig(udp(MAX_LISTEN + 1), 'f').problems).toMatchObject([{ key: 'listen.udp' }]);
    const allow = (count: number) =>
      `[gateway]\nallow = [${Array.from({ length: count }, (_, i) => `"10.${i}.0.0/16"`)}]`;
    expect(parseConfig(allow(MAX_ALLOW), 'f').problems).toBeUndefined();
    expect(parseConfig(allow(MAX_ALLOW + 1), 'f').problems).toMatchObject([{ key: 'gateway.allow' }]);
  });

  test('as many rules of the user, and as many places in one, as the lists take', () => {
    const lan = '[lan]\ninterface = "e"\n';
    const rules = (count: number) => lan + '[[policy]]\nuse = "redundant"\n'.repeat(count);
    expect(parseConfig(rules(MAX_POLICY_RULES), 'f').config?.policy).toHaveLength(MAX_POLICY_RULES);
    expect(parseConfig(rules(MAX_POLICY_RULES + 1), 'f').problems).toMatchObject([{ key: 'policy' }]);
    const places = (count: number) => `${rules(1)}to = [${Array.from({ length: count }, (_, i) => `"10.0.0.${i}"`)}]`;
    expect(parseConfig(places(MAX_POLICY_ITEMS), 'f').problems).toBeUndefined();
    expect(parseConfig(places(MAX_POLICY_ITEMS + 1), 'f').problems).toMatchObject([{ key: 'policy[0].to' }]);
  });

  test('a text of the greatest length is read, a longer one is not looked at', () => {
    const filler = `#${'x'.repeat(MAX_CONFIG_CHARACTERS - 1)}`;
    expect(parseConfig(filler, 'f').problems).toBeUndefined();
    expect(parseConfig(`${filler}x`, 'f').problems).toMatchObject([{ key: '', line: 1 }]);
  });
});
