/**
 * A program for tests inside a namespace: it has the parts of `os` that change the kernel it runs in, does what its
 * standard input says, a line each, and answers each line with `ok ...` or `failed CODE: MESSAGE. REMEDY`.
 */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Failure } from '../../../src/base/failure.ts';
import { parseIpv4 } from '../../../src/control/ip-text.ts';
import { Dnsmasq } from '../../../src/os/dnsmasq.ts';
import { formatEndpoint } from '../../../src/os/endpoint.ts';
import { applyRuleset, isKillSwitchLoaded, lockedRuleset, removeRulesets } from '../../../src/os/firewall.ts';
import { NeighbourPace } from '../../../src/os/neighbour-pace.ts';
import { GatewayNetwork, MinerNetwork, readOwnNetworks } from '../../../src/os/network.ts';
import { Segments } from '../../../src/os/segments.ts';
import { findUplink, foreignDropChains } from '../../../src/os/surroundings.ts';
import { ipv4, prefix } from '../tunnel/packets.ts';

/** The fourth word is `rules` where rules of the user say "direct" and name a gateway. */
const [directory, lan = 'lan0', uplink = 'up0', rules] = process.argv.slice(2);
const lanAddress = prefix('192.168.42.1/24');
const log = {
  write: (level: string, event: string, fields = {}) => console.log('log', level, event, JSON.stringify(fields)),
};

const way = (tun: string, table: string, mark?: string) => ({ tun, table, mark, gateway: undefined });
const ways = [way('sky0', '6969'), ...(rules === 'rules' ? [way('sky0-1', '6970', '0x6970')] : [])];
const miner = new MinerNetwork({ lan, lanAddress, ways, hasDirect: rules === 'rules' });
const gatewayAddress = ipv4('10.64.0.1');
const gateway = new GatewayNetwork({ tun: 'skyg', uplink, pool: prefix('10.64.0.0/16'), gatewayAddress });
const pace = new NeighbourPace(lan);
const dnsmasq = new Dnsmasq({
  directory: join(directory, 'dnsmasq'),
  lan,
  lanAddress,
  dhcp: true,
  tun: 'sky0',
  user: 'nobody',
  log,
});

const local = [
  { address: '0.0.0.0', port: 6969, family: 4 },
  { address: '::', port: 6969, family: 6 },
] as const;
const segments = new Segments({ interfaces: undefined, except: [lan], local, log });

function startSegments(): void {
  segments.start({
    changed: () => {},
    heard: (id, endpoint, bytes) =>
      log.write('info', 'heard', { id, from: formatEndpoint(endpoint), text: textOf(bytes) }),
  });
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

const actions: Record<string, (...args: string[]) => Promise<unknown>> = {
  'miner-start': () => miner.start(),
  'miner-tun': (mtu) => miner.tunsOpened(Number(mtu)),
  'miner-leased': (address, mtu) => miner.leased(0, parseIpv4(address) ?? 0, Number(mtu)),
  'miner-stop': () => miner.stop(),
  'gateway-start': (mtu) => gateway.start(Number(mtu)),
  'gateway-stop': () => gateway.stop(),
  'pace-start': async () => pace.start(),
  'pace-stop': () => pace.stop(),
  'own-networks': (...except) => readOwnNetworks(except),
  'find-uplink': async () => (await findUplink()) ?? null,
  'foreign-drop-chains': () => foreignDropChains(),
  'dnsmasq-start': () => dnsmasq.start(),
  'dnsmasq-resolver': (address) => dnsmasq.setResolver(parseIpv4(address) ?? 0),
  'dnsmasq-stop': () => dnsmasq.stop(),
  'segments-start': async () => startSegments(),
  'segments-call': async (id, text, times = '1') => {
    for (let i = 0; i < Number(times); i++) segments.send(Number(id), new TextEncoder().encode(`${text}${i}`));
  },
  'segments-keep-calling': async (id, text) => {
    setInterval(() => segments.send(Number(id), new TextEncoder().encode(text)), 200);
  },
  'segments-close': async () => segments.close(),
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
