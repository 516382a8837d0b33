/**
 * A program for tests inside a namespace: it has the parts of `os` that change the kernel it runs in, does what its
 * standard input says, a line each, and answers each line with `ok ...` or `failed CODE: MESSAGE. REMEDY`.
 */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Failure } from '../../../src/base/failure.ts';
import { parseIpv4 } from '../../../src/control/ip-text.ts';
import { Dnsmasq } from '../../../src/os/dnsmasq.ts';
import { applyRuleset, isKillSwitchLoaded, lockedRuleset, removeRulesets } from '../../../src/os/firewall.ts';
import { GatewayNetwork, MinerNetwork, readOwnNetworks } from '../../../src/os/network.ts';
import { findUplink, foreignDropChains } from '../../../src/os/surroundings.ts';
import { ipv4, prefix } from '../tunnel/packets.ts';

const [directory, lan = 'lan0', uplink = 'up0'] = process.argv.slice(2);
const lanAddress = prefix('192.168.42.1/24');
const log = {
  write: (level: string, event: string, fields = {}) => console.log('log', level, event, JSON.stringify(fields)),
};

const miner = new MinerNetwork({ lan, lanAddress, tun: 'sky0' });
const gatewayAddress = ipv4('10.64.0.1');
const gateway = new GatewayNetwork({ tun: 'skyg', uplink, pool: prefix('10.64.0.0/16'), gatewayAddress });
const dnsmasq = new Dnsmasq({
  directory: join(directory, 'dnsmasq'),
  lan,
  lanAddress,
  dhcp: true,
  tun: 'sky0',
  user: 'nobody',
  log,
});

const actions: Record<string, (...args: string[]) => Promise<unknown>> = {
  'miner-start': () => miner.start(),
  'miner-tun': (mtu) => miner.tunOpened(Number(mtu)),
  'miner-leased': (address, mtu) => miner.leased(parseIpv4(address) ?? 0, Number(mtu)),
  'miner-stop': () => miner.stop(),
  'gateway-start': (mtu) => gateway.start(Number(mtu)),
  'gateway-stop': () => gateway.stop(),
  'own-networks': (...except) => readOwnNetworks(except),
  'find-uplink': async () => (await findUplink()) ?? null,
  'foreign-drop-chains': () => foreignDropChains(),
  'dnsmasq-start': () => dnsmasq.start(),
  'dnsmasq-resolver': (address) => dnsmasq.setResolver(parseIpv4(address) ?? 0),
  'dnsmasq-stop': () => dnsmasq.stop(),
  'kill-switch-loaded': () => isKillSwitchLoaded(),
  lock: () => applyRuleset(lockedRuleset(undefined)),
  'bad-ruleset': () => applyRuleset('table inet {'),
  'remove-rulesets': () => removeRulesets(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...args] = line.split(' ');
  try {
    const result = await actions[name](...args);
    console.log(`ok ${JSON.stringify(result ?? null)}`);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.log(`failed ${error.code}: ${error.message}. ${error.remedy}`);
  }
}
