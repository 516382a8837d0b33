/**
 * Two boxes that reach each other by IPv4 and by IPv6. One names both addresses of the other, and each case makes some of the ways swallow
 * everything in silence, as firewalls on the way do:
 *
 *   caller ══ IPv4 198.51.100.0/24, IPv6 2001:db8:1::/64 ══ called
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { Daemon } from './harness/daemon.ts';
import { NODE_PORT } from './harness/demo-topology.ts';
import { type Host, Lab } from './harness/lab.ts';
import { until } from './harness/until.ts';

export const about =
  'of a peer with an IPv4 and an IPv6 address whichever works carries the link, and the other when it dies';
export const takes = '8 s';
export const gate = true;

type Family = 'ipv4' | 'ipv6';

const IPV4 = '198.51.100';
const IPV6 = '2001:db8:1:';
const CALLED: Readonly<Record<Family, string>> = {
  ipv4: `${IPV4}.2:${NODE_PORT}`,
  ipv6: `[${IPV6}:2]:${NODE_PORT}`,
};
/** The address before it has 250 ms, and a set-up two round trips and the processor's time for both programs. */
const RACED_MS = 1_500;
/** A link is given up 4 s after it was heard last at the latest, and then each address has its 250 ms. */
const MOVED_MS = 7_000;
const DEADLINE_MS = 20_000;

interface Case {
  readonly dead?: Family;
  readonly takes: Family;
}

const CASES: Readonly<Record<string, Case>> = {
  both: { takes: 'ipv6' },
  onlyIpv4: { dead: 'ipv6', takes: 'ipv4' },
  onlyIpv6: { dead: 'ipv4', takes: 'ipv6' },
};

export async function run(context: RunContext): Promise<RunResult> {
  const lab = new Lab(context);
  const [caller, called] = ['caller', 'called'].map((name) => new Daemon(lab, lab.addHost(name), context.args));
  lab.connect(
    { host: caller.host, device: 'eth0', addresses: [`${IPV4}.1/24`, `${IPV6}:1/64`] },
    { host: called.host, device: 'eth0', addresses: [`${IPV4}.2/24`, `${IPV6}:2/64`] },
  );
  // An address that may be another's, too, is not sent from (RFC 4862 section 5.4).
  const isSure = ({ host }: Daemon) => host.run('ip', '-6', 'address', 'show', 'dev', 'eth0', 'tentative') === '';
  await until("addresses that are nobody else's", DEADLINE_MS, () => isSure(caller) && isSure(called));
  caller.configure({ peers: [{ key: called.key, endpoint: CALLED.ipv4, also_at: [CALLED.ipv6] }] });
  called.configure({ peers: [{ key: caller.key }] });
  await called.start();
  const figures: Record<string, { ok: boolean; upMs: number }> = {};
  for (const [name, one] of Object.entries(CASES)) {
    block(called.host, one.dead);
    await caller.start();
    const upMs = await linkUp(caller, called, CALLED[one.takes]);
    figures[name] = { ok: upMs <= RACED_MS, upMs };
    context.log(`${name}: ${JSON.stringify(figures[name])}`);
    await caller.stop();
  }
  block(called.host, undefined);
  await caller.start();
  await linkUp(caller, called, CALLED.ipv6);
  block(called.host, 'ipv6');
  const upMs = await linkUp(caller, called, CALLED.ipv4);
  figures.ipv6Dies = { ok: upMs <= MOVED_MS, upMs };
  for (const daemon of [caller, called]) await daemon.stop();
  return { pass: Object.values(figures).every(({ ok }) => ok), ...figures };
}

/** Nothing comes or goes by this family any more, and everything by the other. */
function block(host: Host, family: Family | undefined): void {
  const rule = family === undefined ? '' : `meta nfproto ${family} udp dport ${NODE_PORT} drop`;
  const chains = ['input', 'output'].map((hook) => `chain ${hook} {\ntype filter hook ${hook} priority 0\n${rule}\n}`);
  host.run('nft', ['add table inet block', 'delete table inet block', 'table inet block {', ...chains, '}'].join('\n'));
}

/** How long from now on it takes until the link is up at this address of the peer's. */
async function linkUp(from: Daemon, to: Daemon, wanted: string): Promise<number> {
  const beganMs = performance.now();
  const isUp = async () => {
    const { links } = await from.ask('links', {});
    return links.some(({ key, state, endpoint }) => key === to.key && state === 'up' && endpoint === wanted);
  };
  await until(`a link to ${wanted}`, DEADLINE_MS, isUp, () => `${from.tail()}\n${to.tail()}`);
  return Math.round(performance.now() - beganMs);
}
