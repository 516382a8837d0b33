/** The tunnel as an interface of OpenWrt's, by the package's own scripts with stand-ins for netifd's functions and for `uci`. No netifd ran here. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const FILES = join(import.meta.dirname, '../../../image/openwrt/files');
const FUNCTIONS = ['notify_error', 'block_restart', 'init_update', 'send_update']
  .map((name) => `proto_${name}() { echo ${name} "$@"; }`)
  .join('\n');
const NETWORK = ["network.lan.proto='static'", "network.far.proto='skywire'", "network.wan.proto='dhcp'"].join('\n');

/** Runs a shell text with the stand-ins and, in a /sys of its own, `devices`. */
function shell(text: string, devices: readonly string[] = [], env: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'skywire-netifd-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const device of devices) mkdirSync(join(folder, 'class/net', device), { recursive: true });
  const programs = {
    uci: `case "$2" in show) echo "${NETWORK}" ;; *) echo sky7 ;; esac`,
    ifup: 'echo ifup "$@"',
    ifdown: 'echo ifdown "$@"',
  };
  for (const [name, program] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${program}\n`, { mode: 0o755 });
  }
  const environment = { ...process.env, ...env, PATH: `${folder}:${process.env.PATH}`, SKYWIRE_SYS: folder };
  return execFileSync('sh', ['-c', text], { encoding: 'utf8', env: environment });
}
const protocol = (call: string) => `${FUNCTIONS}\nINCLUDE_ONLY=1 . ${join(FILES, 'skywire.proto')}\n${call} || true`;

test('the daemon’s device is an interface that netifd leaves alone', () => {
  expect(shell(protocol('proto_skywire_setup far'), ['sky7'])).toBe('init_update sky7 1 1\nsend_update far\n');
  expect(shell(protocol('proto_skywire_teardown far'), ['sky7'])).toBe('init_update * 0\nsend_update far\n');
});

test('without the device there is no interface, and netifd does not ask again by itself', () => {
  expect(shell(protocol('proto_skywire_setup far'))).toBe('notify_error far NO_DEVICE\nblock_restart far\n');
});

test('the device coming and going takes the interfaces of the protocol with it, and no others', () => {
  const event = (ACTION: string, DEVICENAME: string) =>
    shell(`. ${join(FILES, 'skywire.hotplug')}`, [], { ACTION, DEVICENAME });
  expect(event('add', 'sky7')).toBe('ifup far\n');
  expect(event('remove', 'sky7')).toBe('ifdown far\n');
  expect(event('add', 'eth0')).toBe('');
  expect(event('change', 'sky7')).toBe('');
});
