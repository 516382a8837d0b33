/**
 * What goes wrong when people set up a box, and what they are told: one clear line with the remedy, and the documented exit
 * code (docs/exit-codes.md); or, where the daemon can only wait, the problem in `skywire status`.
 *
 *   laptop ──lan0── box ──net── gateway (a pool with room for one)
 *                                  │
 *   laptop2 ─lan0── second ──net───┘
 */
import { writeFileSync } from 'node:fs';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { EXIT_CODES } from '../../src/base/failure.ts';
import { Daemon, type NodeConfig } from './harness/daemon.ts';
import { type Host, Lab, tool } from './harness/lab.ts';
import type { LabProcess } from './harness/lab-process.ts';
import { until } from './harness/until.ts';

export const about =
  'wrong key, wrong gateway, full pool, no TUN device, port in use, no root: one clear line and exit code each';
export const takes = '30 s';
export const gate = true;

const EXIT_DEADLINE_MS = 20_000;
const PROBLEM_DEADLINE_MS = 30_000;
/** A well-formed address that nobody has. */
const NOBODY = 'tWPDM36ex9zLjJw1aPMfYTVPbYgkL2Xp9V';

/** Runs as a plain user who may read and write our files, so that only the lack of privilege is left to complain about. */
const AS_PLAIN_USER = [
  ...['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
  ...['--inh-caps=+dac_override', '--ambient-caps=+dac_override'],
];
const WITHOUT_TUN_DEVICE = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /dev/net && exec "$@"', 'sh'];

interface Verdict {
  readonly right: boolean;
  readonly said: string;
  readonly code?: number;
}

/** The program must end with `code` and one line of complaint. */
async function expectRefusal(started: LabProcess, code: number): Promise<Verdict> {
  await until(
    `${started.name} to end`,
    EXIT_DEADLINE_MS,
    () => !started.running,
    () => started.tail(),
  );
  const ended = await started.exited;
  const said = started
    .tail(50)
    .split('\n')
    .filter((line) => line.startsWith('skywired: '));
  const sentences = said[0]?.split('. ').length ?? 0;
  return {
    right: ended === code && said.length === 1 && sentences >= 2,
    said: said.join(' | ') || started.tail(),
    code: ended,
  };
}

/** The daemon runs, is not connected, and its status says why. */
async function expectProblem(daemon: Daemon, words: RegExp): Promise<Verdict> {
  const problemOf = async () => {
    const { tunnel } = await daemon.ask('status', {});
    return tunnel.state !== 'connected' && tunnel.problem !== null && words.test(tunnel.problem)
      ? tunnel.problem
      : undefined;
  };
  const said = await until(`a problem like ${words}`, PROBLEM_DEADLINE_MS, problemOf, () => daemon.tail()).catch(
    (error) => error as Error,
  );
  return typeof said === 'string' ? { right: true, said } : { right: false, said: said.message };
}

class Site {
  readonly lab: Lab;
  readonly box: Host;
  readonly second: Host;
  readonly gateway: Host;
  private nodes = 0;

  constructor(context: RunContext) {
    this.lab = new Lab(context);
    this.gateway = this.lab.addHost('gateway');
    const internet = this.lab.addHost('internet');
    this.lab.connect(
      { host: this.gateway, device: 'eth0', addresses: ['203.0.113.2/24'] },
      { host: internet, device: 'eth0' },
    );
    this.box = this.addBox('box', '10.5.0');
    this.second = this.addBox('second', '10.6.0');
  }

  /** A box with a laptop, on a cable of its own to the gateway. */
  private addBox(name: string, network: string): Host {
    const box = this.lab.addHost(name);
    this.lab.connect({ host: box, device: 'lan0' }, { host: this.lab.addHost(`laptop-${name}`), device: 'eth0' });
    const plug = { host: this.gateway, device: `to-${name}`, addresses: [`${network}.1/24`] };
    this.lab.connect({ host: box, device: 'net', addresses: [`${network}.2/24`] }, plug);
    return box;
  }

  /** A new node on the host, with its own key and files. */
  node(host: Host, config: Partial<NodeConfig> = {}): Daemon {
    const daemon = new Daemon(this.lab, host, [], `node-${++this.nodes}`);
    daemon.configure({ peers: [], lan: { interface: 'lan0' }, tunnel: { gateway: NOBODY }, ...config });
    return daemon;
  }

  /** A node on a box whose one peer is the gateway's machine, under that key. */
  client(host: Host, peerKey: string, gateway: string): Daemon {
    const endpoint = host === this.box ? '10.5.0.1:6969' : '10.6.0.1:6969';
    return this.node(host, { peers: [{ key: peerKey, endpoint }], tunnel: { gateway, routes: 1 } });
  }
}

async function wrongKey(site: Site): Promise<Verdict> {
  const daemon = site.node(site.box);
  writeFileSync(daemon.keyFile, 'correct horse battery staple\n');
  return expectRefusal(daemon.launch(), EXIT_CODES['key-file']);
}

/** The neighbour is there, but the gateway that was asked for is nowhere in reach. */
async function wrongGateway(site: Site): Promise<Verdict> {
  const neighbour = site.node(site.gateway);
  const daemon = site.client(site.box, neighbour.key, NOBODY);
  neighbour.configure({ peers: [{ key: daemon.key }] });
  await neighbour.start();
  await daemon.start();
  const verdict = await expectProblem(daemon, /gateway/);
  await Promise.all([daemon.stop(), neighbour.stop()]);
  return verdict;
}

/** The neighbour's key has been mistaken for another: it stays silent to whoever does not know its own. */
async function wrongPeerKey(site: Site): Promise<Verdict> {
  const neighbour = site.node(site.gateway);
  const stranger = site.node(site.second);
  const daemon = site.client(site.box, stranger.key, NOBODY);
  neighbour.configure({ peers: [{ key: daemon.key }] });
  await neighbour.start();
  await daemon.start();
  const verdict = await expectProblem(daemon, /peer|link|neighbour/);
  await Promise.all([daemon.stop(), neighbour.stop()]);
  return verdict;
}

async function missingTun(site: Site): Promise<Verdict> {
  return expectRefusal(site.node(site.box).launch(...WITHOUT_TUN_DEVICE), EXIT_CODES['tun-unavailable']);
}

async function noRoot(site: Site): Promise<Verdict> {
  const daemon = site.node(site.box);
  // Its own files are the user's, as they would be.
  tool('chown', '-R', '65534:65534', daemon.directory);
  return expectRefusal(daemon.launch(...AS_PLAIN_USER), EXIT_CODES['not-permitted']);
}

async function portInUse(site: Site): Promise<Verdict> {
  const listen = { listen: { udp: ['0.0.0.0:6969'] } };
  const squatter = site.box.start('squatter', 'socat', ['-u', 'UDP4-RECV:6969', 'OPEN:/dev/null']);
  await until(
    'the squatter',
    EXIT_DEADLINE_MS,
    () => site.box.run('ss', '-Hlun').includes(':6969'),
    () => squatter.tail(),
  );
  const verdict = await expectRefusal(site.node(site.box, listen).launch(), EXIT_CODES['address-in-use']);
  await squatter.stop();
  return verdict;
}

/** Of a /30, one address is the network's, one is for broadcast, one the gateway's own: the second client gets none. */
async function fullPool(site: Site): Promise<Verdict> {
  const gateway = site.node(site.gateway);
  const first = site.client(site.box, gateway.key, gateway.address);
  const second = site.client(site.second, gateway.key, gateway.address);
  gateway.configure({
    peers: [{ key: first.key }, { key: second.key }],
    gateway: { enable: true, pool: '10.64.0.0/30', uplink: 'eth0', dns: '192.0.2.53' },
  });
  await gateway.start();
  await first.start();
  const connected = async () => (await first.ask('status', {})).tunnel.state === 'connected';
  await until('the first client connected', PROBLEM_DEADLINE_MS, connected, () => `${first.tail()}\n${gateway.tail()}`);
  await second.start();
  const verdict = await expectProblem(second, /no free address/);
  await Promise.all([first.stop(), second.stop(), gateway.stop()]);
  return verdict;
}

const CASES = { wrongKey, wrongPeerKey, wrongGateway, missingTun, noRoot, portInUse, fullPool };

export async function run(context: RunContext): Promise<RunResult> {
  const site = new Site(context);
  const verdicts: Record<string, Verdict> = {};
  for (const [name, check] of Object.entries(CASES)) {
    verdicts[name] = await check(site);
    context.log(`${verdicts[name].right ? 'ok  ' : 'FAIL'} ${name}: ${verdicts[name].said}`);
  }
  return { pass: Object.values(verdicts).every(({ right }) => right), ...verdicts };
}
