/** What a machine already is, for those who set it up: its way to the internet, its resolver, and firewalls of others. */
import { existsSync, readFileSync } from 'node:fs';
import { parseIpv4 } from '../control/ip-text.ts';
import { runTool } from './command.ts';
import { OUR_TABLES } from './firewall.ts';

/** Where the addresses of the resolvers stand; systemd-resolved keeps the real ones apart from its own. */
const RESOLVER_FILES = ['/run/systemd/resolve/resolv.conf', '/etc/resolv.conf'];
const LOOPBACK = /^127\./;

export interface Uplink {
  readonly interface: string;
  /** This machine's address there; undefined when the route does not name one. */
  readonly address: string | undefined;
}

/** The interface of the IPv4 default route, the most preferred one of several. @throws Failure system-tool */
export async function findUplink(): Promise<Uplink | undefined> {
  type Route = { dev?: string; metric?: number };
  const routes = JSON.parse((await runTool('ip', ['-j', '-4', 'route', 'show', 'default'])) || '[]') as Route[];
  const [best] = routes.filter(({ dev }) => dev !== undefined).sort((a, b) => (a.metric ?? 0) - (b.metric ?? 0));
  if (best?.dev === undefined) return undefined;
  type Device = { addr_info?: { local: string; scope: string }[] };
  const devices = JSON.parse(await runTool('ip', ['-j', '-4', 'address', 'show', 'dev', best.dev])) as Device[];
  const addresses = devices.flatMap(({ addr_info = [] }) => addr_info);
  return { interface: best.dev, address: addresses.find(({ scope }) => scope === 'global')?.local };
}

/** The first IPv4 resolver that is not this machine itself. */
export function findResolver(files: readonly string[] = RESOLVER_FILES): string | undefined {
  for (const file of files.filter((path) => existsSync(path))) {
    for (const [, address] of readFileSync(file, 'utf8').matchAll(/^nameserver\s+(\S+)/gm)) {
      if (parseIpv4(address) !== undefined && !LOOPBACK.test(address)) return address;
    }
  }
  return undefined;
}

export interface ForeignChain {
  /** `ip filter INPUT`, as nft names it. */
  readonly name: string;
  readonly hook: 'input' | 'forward';
}

/**
 * Chains of other programs that drop what they do not know: a verdict to accept elsewhere does not overrule them.
 * @throws Failure system-tool, not-permitted
 */
export async function foreignDropChains(): Promise<ForeignChain[]> {
  type Chain = { family: string; table: string; name: string; hook?: string; policy?: string };
  const listed = JSON.parse(await runTool('nft', ['-j', 'list', 'chains'])) as { nftables: { chain?: Chain }[] };
  const found: ForeignChain[] = [];
  for (const { chain } of listed.nftables) {
    if (chain?.policy !== 'drop' || OUR_TABLES.includes(chain.table)) continue;
    const { hook } = chain;
    if (hook !== 'input' && hook !== 'forward') continue;
    found.push({ name: `${chain.family} ${chain.table} ${chain.name}`, hook });
  }
  return found;
}
