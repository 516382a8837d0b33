/**
 * A miner and its gateway with parallel routes between them, each over a bad cable of its own:
 *
 *                                       ┌══1══ relay-1 ──┐
 *   laptop ──eth0── miner ──────────────┼══2══ relay-2 ──┼── gateway ──eth0── internet      iperf3 and web at 198.51.100.80
 *       192.168.42.0/24    10.50.N.0/24 └══N══ relay-N ──┘ 10.60.N.0/24   203.0.113.0/24
 *
 * End a of a cable is the miner's, so that `ba` is down. The miner is started anew for each set of routes that is to be measured.
 */
import type { RunContext, RunResult } from '../../../scripts/run-contract.ts';
import { payloadShare } from '../demo/overhead.ts';
import { startInternet } from './clients.ts';
import { Daemon } from './daemon.ts';
import { type Cable, type CableSettings, Impairment } from './impairment.ts';
import { type Host, Lab } from './lab.ts';
import { measureTcp } from './tcp.ts';
import { until } from './until.ts';

const SERVER_ADDRESS = '198.51.100.80';
const DNS_ADDRESS = '192.0.2.53';
const PAGE_SECONDS_MAX = 10;
const NODE_PORT = 6969;
const CONNECT_DEADLINE_MS = 30_000;
/** Any: the same losses in each run. */
const SEED = 1;
/** What no case sets. */
const CLEAN: CableSettings = { rateMbit: 0, delayMs: 0, jitterMs: 0, loss: 0 };
/** A modem keeps so much, and never less than eight full frames. */
const QUEUE_MS = 50;
const LEAST_QUEUE_BYTES = 12_288;

/** One route: its cable, in both directions. */
export interface RouteSettings {
  readonly rateMbit: number;
  /** One way. */
  readonly delayMs: number;
  readonly loss?: number;
}

export const KINDS = {
  cubic: { congestion: 'cubic', recovery: 1 },
  bbr: { congestion: 'bbr', recovery: 1 },
  /** Three duplicate acknowledgements in place of RACK: order counts. */
  reno: { congestion: 'reno', recovery: 0 },
} as const;

const TUNNEL_MTU_BYTES = 1_340;

/** What headers and losses leave of the sum of the rates, Mb/s of payload (demo/overhead.ts). */
export function idealMbit(routes: readonly RouteSettings[]): number {
  return (
    routes.reduce((sum, { rateMbit, loss = 0 }) => sum + rateMbit * (1 - loss), 0) * payloadShare(TUNNEL_MTU_BYTES)
  );
}

/** Measures the cases that the arguments name, or all, one after another in a network of `routeCount` routes. */
export async function runCases<Case>(
  context: RunContext,
  routeCount: number,
  cases: Readonly<Record<string, Case>>,
  measure: (network: ParallelNetwork, one: Case) => Promise<{ ok: boolean }>,
): Promise<RunResult> {
  const asked = context.args.filter((arg) => Object.hasOwn(cases, arg));
  const names = asked.length > 0 ? asked : Object.keys(cases);
  const network = await ParallelNetwork.start({ ...context, args: [] }, routeCount);
  const figures: Record<string, { ok: boolean }> = {};
  for (const name of names) {
    figures[name] = await measure(network, cases[name]);
    context.log(`${figures[name].ok ? 'ok  ' : 'FAIL'} ${name}: ${JSON.stringify(figures[name])}`);
  }
  return { pass: Object.values(figures).every(({ ok }) => ok), ...figures };
}

export class ParallelNetwork {
  private readonly lab: Lab;
  private readonly laptop: Host;
  private readonly internet: Host;
  private readonly miner: Daemon;
  private readonly relays: Daemon[] = [];
  private readonly gateway: Daemon;
  private readonly cables: Cable[] = [];

  private constructor(context: RunContext, routeCount: number) {
    this.lab = new Lab(context);
    const { lab } = this;
    this.laptop = lab.addHost('laptop');
    this.internet = lab.addHost('internet');
    this.miner = new Daemon(lab, lab.addHost('miner'), context.args);
    this.gateway = new Daemon(lab, lab.addHost('gateway'), context.args);
    for (let i = 1; i <= routeCount; i++) {
      this.relays.push(new Daemon(lab, lab.addHost(`relay-${i}`), context.args));
    }
  }

  /** Lays `routeCount` cables and starts relays and gateway. */
  static async start(context: RunContext, routeCount: number): Promise<ParallelNetwork> {
    const network = new ParallelNetwork(context, routeCount);
    await network.lay();
    await Promise.all([network.gateway, ...network.relays].map((daemon) => daemon.start()));
    return network;
  }

  /** Gives the first cables these settings and starts the miner on them; resolves when all routes are up. */
  async use(routes: readonly RouteSettings[]): Promise<void> {
    for (const [index, { rateMbit, ...rest }] of routes.entries()) {
      const queueBytes = Math.max(LEAST_QUEUE_BYTES, (rateMbit * 1e3 * QUEUE_MS) / 8);
      await this.cables[index].set('both', { ...CLEAN, ...rest, rateMbit, queueBytes });
    }
    const { miner, relays, gateway } = this;
    if (miner.running) await miner.stop();
    miner.configure({
      peers: routes.map((_, i) => ({ key: relays[i].key, endpoint: `10.50.${i + 1}.2:${NODE_PORT}` })),
      lan: { interface: 'lan0', address: '192.168.42.1/24', dhcp: false },
      tunnel: { gateway: gateway.address, routes: routes.length },
    });
    await miner.start();
    const ready = async () => {
      const { tunnel } = await miner.ask('status', {});
      return tunnel.state === 'connected' && tunnel.routes_up === routes.length;
    };
    await until('all routes up', CONNECT_DEADLINE_MS, ready, () => this.tails());
  }

  /** Payload of one connection towards the laptop, Mb/s. */
  async download(kind: keyof typeof KINDS, seconds: number, skipSeconds: number): Promise<number> {
    const { congestion, recovery } = KINDS[kind];
    this.internet.sysctl('net.ipv4.tcp_recovery', recovery);
    const ends = { client: this.laptop, server: this.internet, address: SERVER_ADDRESS };
    return (await measureTcp({ ...ends, direction: 'down', congestion, seconds, skipSeconds })).mbit;
  }

  /** Starts the web server. */
  async serve(): Promise<void> {
    await startInternet(this.internet, { web: SERVER_ADDRESS, dns: DNS_ADDRESS, fileBytes: 1_000, names: {} });
  }

  /** Fetches a page `count` times over new connections; ms from the start of each to its first byte. */
  firstBytesMs(count: number): number[] {
    const words = ['-s', '-o', '/dev/null', '--max-time', `${PAGE_SECONDS_MAX}`, '-w', '%{time_starttransfer}'];
    const fetch = () => 1_000 * Number(this.laptop.run('curl', ...words, `http://${SERVER_ADDRESS}/`));
    return Array.from({ length: count }, fetch);
  }

  private async lay(): Promise<void> {
    const { lab, laptop, internet, miner, gateway, relays, cables } = this;
    const impairment = await Impairment.start(lab, SEED);
    const plug = (host: Host, device: string, address: string) => ({ host, device, addresses: [`${address}/24`] });
    lab.connect(plug(laptop, 'eth0', '192.168.42.250'), plug(miner.host, 'lan0', '192.168.42.1'));
    lab.connect(plug(gateway.host, 'eth0', '203.0.113.2'), plug(internet, 'eth0', '203.0.113.1'));
    internet.addAddress('lo', `${SERVER_ADDRESS}/32`, `${DNS_ADDRESS}/32`);
    laptop.addRoute('default', '192.168.42.1');
    gateway.host.addRoute('default', '203.0.113.1');
    for (const [index, relay] of relays.entries()) {
      const [up, down] = [`10.50.${index + 1}`, `10.60.${index + 1}`];
      const ends = [plug(miner.host, `up-${index}`, `${up}.1`), plug(relay.host, 'to-miner', `${up}.2`)];
      cables.push(await impairment.connect(ends[0], ends[1], CLEAN));
      lab.connect(plug(relay.host, 'to-gateway', `${down}.1`), plug(gateway.host, `from-${index}`, `${down}.2`));
      const next = { key: gateway.key, endpoint: `${down}.2:${NODE_PORT}` };
      relay.configure({ peers: [{ key: miner.key }, next] });
    }
    gateway.configure({
      peers: relays.map(({ key }) => ({ key })),
      gateway: { enable: true, pool: '10.64.0.0/16', uplink: 'eth0', dns: DNS_ADDRESS },
    });
    // For the kill switch, interfaces and addresses are what count.
    miner.configure({
      peers: [],
      lan: { interface: 'lan0', address: '192.168.42.1/24', dhcp: false },
      tunnel: { gateway: gateway.address, routes: 1 },
    });
    miner.loadFirewall();
  }

  private tails(): string {
    return [this.miner, this.gateway, ...this.relays].map((daemon) => daemon.tail()).join('\n');
  }
}
