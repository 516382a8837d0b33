/** The OpenWrt package's conversion of UCI to TOML, by its own script. That it runs on a router is not shown by anything. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { readConfig } from '../../../src/daemon/config-file.ts';

const FILES = join(import.meta.dirname, '../../../image/openwrt/files');
/** OpenWrt's functions.sh as far as the script uses it: a UCI file is made of words of the shell, and each line is a call. */
const FUNCTIONS = `
config() { config_cb "$@"; }
option() { option_cb "$@"; }
list() { list_cb "$@"; }
config_load() { . "$UCI_FOLDER/$1"; }
`;

function toToml(uci: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'skywire-uci-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const functions = join(folder, 'functions.sh');
  writeFileSync(functions, FUNCTIONS);
  writeFileSync(join(folder, 'skywire'), uci);
  const env = { ...process.env, SKYWIRE_FUNCTIONS: functions, UCI_FOLDER: folder };
  const toml = execFileSync('sh', [join(FILES, 'to-toml')], { encoding: 'utf8', env });
  writeFileSync(join(folder, 'skywired.toml'), toml);
  expect(readConfig(join(folder, 'skywired.toml'), nobleCurve), toml).toHaveProperty('config');
  return toml;
}

test('the configuration that the package brings is one of a node with its key where upgrades keep it', () => {
  const toml = toToml(readFileSync(join(FILES, 'skywire.config'), 'utf8'));
  expect(toml).toBe(
    '\n[node]\nname = "openwrt"\nkey_file = "/etc/skywire/node.key"\nstate_dir = "/etc/skywire/state"\n',
  );
});

test('sections become tables, peers one each; lists, numbers, switches and texts what they are', () => {
  const key = '02baa6a5e76f024deca90a1fec82cc540fa6557867f0571671a64d54c5d4879a1d';
  const toml = toToml(`
config peer
	option key '${key}'
	option endpoint '192.0.2.7:6969'
config listen 'listen'
	list udp '0.0.0.0:7000'
	list udp '[::]:7000'
config lan 'lan'
	option interface 'lan4'
	option dhcp 'true'
config tunnel 'tunnel'
	option gateway 'QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS'
	option routes '3'
config node
	option name 'attic'
	option key_file '/etc/skywire/other.key'
`);
  expect(toml).toBe(`
[[peer]]
key = "${key}"
endpoint = "192.0.2.7:6969"

[listen]
udp = ["0.0.0.0:7000", "[::]:7000"]

[lan]
interface = "lan4"
dhcp = true

[tunnel]
gateway = "QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS"
routes = 3

[node]
name = "attic"
key_file = "/etc/skywire/other.key"
state_dir = "/etc/skywire/state"
`);
});

test('a text that would end its quotes does not', () => {
  const node = "config node\n\toption name 'attic'\nconfig tunnel\n\toption gateway 'a\"b\\'\n";
  expect(() => toToml(node)).toThrow(/gateway = "a\\"b\\\\"/);
});
