/**
 * A relay that a hundred neighbours and ten thousand idle routes lean on, while one route is busy. Turns without and with the crowd, whose own
 * work falls on the same cores:
 *
 *   laptop ── miner ── relay ── gateway ── internet
 *                        └── crowd        100 links, each with 100 routes through the relay (many-routes/crowd.ts)
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { toHex } from '../../src/base/bytes.ts';
import { nobleCurve } from '../../src/crypto/noble-curve.ts';
import { runIperf, startIperf } from '../lab/harness/clients.ts';
import { Daemon } from '../lab/harness/daemon.ts';
import { NODE_PORT } from '../lab/harness/demo-topology.ts';
import { type Host, Lab } from '../lab/harness/lab.ts';
import type { LabProcess } from '../lab/harness/lab-process.ts';
import { median } from '../lab/harness/spread.ts';
import { until } from '../lab/harness/until.ts';
import { memberKey } from './many-routes/crowd.ts';

export const about =
  'one busy route through a relay with 100 links and 10,000 idle routes, beside the same alone; its memory';
export const takes = '2 min';

const LINKS = 100;
const ROUTES_A_LINK = 100;
const TURNS = 3;
const SECONDS = 4;
const IDLE_MS = 5_000;
const DEADLINE_MS = 60_000;
const LEAST_SHARE = 0.95;
const MOST_BYTES = 120e6;
const SERVER = '198.51.100.80';
const CROWD = join(import.meta.dirname, 'many-routes', 'crowd.ts');

export async function run(context: RunContext): Promise<RunResult> {
  const network = new CrowdedNetwork(context);
  await network.start();
  await startIperf(network.internet, SERVER);
  await network.download();
  const alone = await turns(network);
  const emptyBytes = await network.relayBytes();
  const idleShares = [await idleShare(network.process)];
  const { linkedBytes, process, ...crowd } = await network.addCrowd();
  const fullBytes = await network.relayBytes();
  idleShares.push(await idleShare(network.process));
  const crowdShare = await idleShare(process);
  const crowded = await turns(network);
  const { routes, links, memory_rss_bytes: bytes } = await network.relay.ask('status', {});
  const share = Number((median(crowded) / median(alone)).toFixed(3));
  const isCrowded = routes.relayed >= LINKS * ROUTES_A_LINK && links.up >= LINKS && crowd.failed === 0;
  return {
    pass: isCrowded && share >= LEAST_SHARE && bytes <= MOST_BYTES,
    ...{ share, alone, crowded, relayed: routes.relayed, links: links.up },
    ...{ ...crowd, idleShares, crowdShare },
    relayMb: [emptyBytes, linkedBytes, fullBytes, bytes].map((bytes) => Math.round(bytes / 1e6)),
  };
}

/** Of a core, while nothing is carried. */
async function idleShare(process: LabProcess): Promise<number> {
  const before = process.cpuSeconds;
  await pause(IDLE_MS);
  return Number(((process.cpuSeconds - before) / (IDLE_MS / 1_000)).toFixed(3));
}

async function turns(network: CrowdedNetwork): Promise<number[]> {
  const rates: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) rates.push(Math.round(await network.download()));
  return rates;
}

class CrowdedNetwork {
  readonly internet: Host;
  readonly relay: Daemon;
  /** The relay's. */
  process!: LabProcess;
  private readonly laptop: Host;
  private readonly crowd: Host;
  private readonly miner: Daemon;
  private readonly gateway: Daemon;

  constructor(context: RunContext) {
    const lab = new Lab(context);
    const names = ['laptop', 'miner', 'relay', 'gateway', 'internet', 'crowd'];
    const [laptop, miner, relay, gateway, internet, crowd] = names.map((name) => lab.addHost(name));
    const plug = (host: Host, device: string, ...addresses: string[]) => ({ host, device, addresses });
    lab.connect(plug(laptop, 'eth0', '192.168.42.250/24'), plug(miner, 'lan0'));
    lab.connect(plug(miner, 'to-relay', '10.1.0.2/24'), plug(relay, 'to-miner', '10.1.0.1/24'));
    lab.connect(plug(relay, 'to-gateway', '10.2.0.2/24'), plug(gateway, 'from-relay', '10.2.0.1/24'));
    lab.connect(plug(relay, 'to-crowd', '10.3.0.1/24'), plug(crowd, 'eth0', '10.3.0.2/24'));
    lab.connect(plug(gateway, 'eth0', '203.0.113.2/24'), plug(internet, 'eth0', '203.0.113.1/24'));
    internet.addAddress('lo', `${SERVER}/32`);
    laptop.addRoute('default', '192.168.42.1');
    gateway.addRoute('default', '203.0.113.1');
    [this.laptop, this.internet, this.crowd] = [laptop, internet, crowd];
    [this.miner, this.relay, this.gateway] = [miner, relay, gateway].map((host) => new Daemon(lab, host, context.args));
    this.configure();
  }

  private configure(): void {
    const { miner, relay, gateway } = this;
    const members = Array.from({ length: LINKS }, (_, i) => ({ key: toHex(memberKey(nobleCurve, i)) }));
    miner.configure({
      peers: [{ key: relay.key, endpoint: `10.1.0.1:${NODE_PORT}` }],
      lan: { interface: 'lan0', address: '192.168.42.1/24', dhcp: false },
      tunnel: { gateway: gateway.address, routes: 1 },
    });
    relay.configure({
      peers: [{ key: miner.key }, { key: gateway.key, endpoint: `10.2.0.1:${NODE_PORT}` }, ...members],
    });
    const service = { enable: true, pool: '10.64.0.0/16', uplink: 'eth0', dns: '192.0.2.53' };
    gateway.configure({ peers: [{ key: relay.key }], gateway: service });
  }

  async start(): Promise<void> {
    this.miner.loadFirewall();
    this.process = await this.relay.start();
    for (const daemon of [this.gateway, this.miner]) await daemon.start();
    const connected = async () => (await this.miner.ask('status', {})).tunnel.state === 'connected';
    await until('the miner connected', DEADLINE_MS, connected, () => this.miner.tail());
  }

  /** Resident memory of the relay. */
  async relayBytes(): Promise<number> {
    return (await this.relay.ask('status', {})).memory_rss_bytes;
  }

  /** Mb/s of payload over four connections. */
  download(): Promise<number> {
    return runIperf(this.laptop, SERVER, { seconds: SECONDS, reverse: true, streams: 4 });
  }

  /** Resolves when all its routes stand. */
  async addCrowd() {
    let standing: { open: number; failed: number } | undefined;
    const args = [CROWD, this.relay.key, `10.3.0.1:${NODE_PORT}`, String(LINKS), String(ROUTES_A_LINK)];
    const crowd = this.crowd.start('crowd', process.execPath, args, (line) => {
      const event = JSON.parse(line);
      if (event.open !== undefined) standing = event;
    });
    const allLinked = async () => (await this.relay.ask('status', {})).links.up >= LINKS;
    await until('its links', DEADLINE_MS, allLinked, () => crowd.tail());
    const linkedBytes = await this.relayBytes();
    const opened = await until(
      'the crowd',
      DEADLINE_MS,
      () => standing,
      () => crowd.tail(),
    );
    const wanted = LINKS * ROUTES_A_LINK;
    const arrived = async () => (await this.relay.ask('status', {})).routes.relayed >= wanted;
    await until('its routes', DEADLINE_MS, arrived, () => crowd.tail());
    return { ...opened, linkedBytes, process: crowd };
  }
}
