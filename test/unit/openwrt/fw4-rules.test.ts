/** What the OpenWrt package adds to the router's own firewall, by its own script with a stand-in for `uci`. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const SCRIPT = join(import.meta.dirname, '../../../image/openwrt/files/fw4-rules');

/** `options` by the name that `uci get` takes. */
function rules(chain: 'input' | 'forward', options: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'skywire-fw4-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const cases = Object.entries(options).map(([name, value]) => `'${name}') echo '${value}' ;;`);
  writeFileSync(join(folder, 'uci'), `#!/bin/sh\ncase $3 in ${cases.join('\n')} *) exit 1 ;; esac\n`, { mode: 0o755 });
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  return execFileSync('sh', [SCRIPT, chain], { encoding: 'utf8', env });
}

test('a relay is reached at its link port and by beacons, and forwards nothing by the kernel', () => {
  expect(rules('input', {})).toBe('udp dport { 6969, 6970 } accept\n');
  expect(rules('forward', {})).toBe('');
});

test('a miner: from the LAN to the box, which its kill switch guards, and into the tunnel only', () => {
  const miner = {
    'skywire.@lan[0].interface': 'lan4',
    'skywire.@tunnel[0].interface': 'sky7',
    'skywire.@listen[0].udp': '0.0.0.0:7000 [::]:7001',
    'skywire.@listen[0].tcp': '0.0.0.0:443',
  };
  expect(rules('input', miner)).toBe(
    'udp dport { 7000, 7001, 6970 } accept\ntcp dport { 443 } accept\niifname "lan4" accept\n',
  );
  expect(rules('forward', miner)).toBe('iifname "lan4" oifname "sky7" accept\n');
});

test('a gateway: from its clients to its uplink', () => {
  const gateway = { 'skywire.@gateway[0].uplink': 'wan' };
  expect(rules('input', gateway)).toBe('udp dport { 6969, 6970 } accept\niifname "skyg0" accept\n');
  expect(rules('forward', gateway)).toBe('iifname "skyg0" oifname "wan" accept\n');
});
