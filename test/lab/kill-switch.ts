/**
 * Nothing of the laptop's leaves the miner in the clear: not before the daemon starts, not while it runs, not after
 * `kill -9`, not with a broken configuration, not during a restart, not after a stop. IPv4, IPv6 and DNS. At last a rule lets pings of
 * one address out by up-a: they leave and are answered, daemon or not, and nothing else does; without the rule they no longer do.
 *
 *   laptop ──lan0── miner ══up-a══ relay-a ──┐
 *    every way         ║                     ├── gateway ── internet
 *    out it knows      ╚════up-b══ relay-b ──┘
 *                  watched by tcpdump and nft
 *
 * The miner has a default route through up-a and forwards packets, so that only the kill switch stands in the way. The first
 * phase leaves it out and must leak by all three kinds: a watch that sees nothing then proves nothing later.
 */
import { writeFileSync } from 'node:fs';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { DemoNetwork, LAN_ADDRESS } from './harness/demo-topology.ts';
import { ToolError } from './harness/lab.ts';
import { giveLaptopIpv6, makeNoise } from './harness/laptop-noise.ts';
import { type LeakReport, LeakWatch, nothingLeaked } from './harness/leak-watch.ts';

export const about =
  'no packet of the LAN leaves in the clear: before start, running, killed, misconfigured, restarting, stopped, but an exception';
export const takes = '65 s';
export const gate = true;

const EXIT_CONFIG_INVALID = 3;
/** Stands at relay-a: what is reached there came by the cable of up-a. */
const NAMED_ADDRESS = '192.0.2.99';
const EXCEPTION = { use: 'direct', to: [NAMED_ADDRESS], protocol: 'icmp', uplink: 'up-a' };
const PINGS = 5;

interface Phase extends LeakReport {
  /** How many of the laptop's attempts got an answer. */
  readonly answered: number;
}

async function watched(network: DemoNetwork, during: () => Promise<unknown>, exception?: string): Promise<Phase> {
  const watch = await LeakWatch.start(network, exception);
  const [answered] = await Promise.all([makeNoise(network), during()]);
  return { ...(await watch.stop()), answered };
}

const leaksEverything = (phase: Phase) => phase.ipv4 > 0 && phase.ipv6 > 0 && phase.dns > 0 && phase.counted > 0;
const nothing = async () => {};

export async function run(context: RunContext): Promise<RunResult> {
  const network = new DemoNetwork(context, { rateMbit: 0, fileBytes: 1_000_000 });
  const { laptop, minerHost, miner, gateway, relayA, relayB } = network;
  await network.startInternet();
  laptop.addAddress('eth0', '192.168.42.250/24');
  laptop.addRoute('default', LAN_ADDRESS);
  giveLaptopIpv6(network);

  context.log('without a kill switch');
  minerHost.addAddress('lan0', `${LAN_ADDRESS}/24`);
  const open = await watched(network, nothing);

  context.log('before start');
  miner.loadFirewall();
  const beforeStart = await watched(network, nothing);

  context.log('running');
  await Promise.all([gateway, relayA, relayB, miner].map((daemon) => daemon.start()));
  await network.connected();
  const running = await watched(network, nothing);

  context.log('after kill -9');
  await miner.kill();
  const killed = await watched(network, nothing);

  context.log('broken configuration');
  const refused = await breakConfiguration(network);
  const broken = await watched(network, nothing);

  context.log('restart');
  network.writeConfigurations();
  miner.loadFirewall();
  const restarting = await watched(network, async () => {
    await miner.start();
    await network.connected();
  });

  context.log('stopped');
  const stopCode = await miner.stop();
  const stopped = await watched(network, nothing);

  context.log('with an exception');
  const exception = await withException(network);

  const closed = { beforeStart, running, killed, broken, restarting, stopped };
  const tight = Object.values(closed).every(nothingLeaked);
  // A watch that saw none of the tunnel's own datagrams would have seen no leak either.
  const watching = running.seen > 0 && restarting.seen > 0;
  const works = running.answered > 0 && killed.answered === 0 && stopCode === 0;
  const pass = leaksEverything(open) && watching && tight && refused && works && exception.good;
  const figures = { watchSeesLeaks: leaksEverything(open), watching, tight, refused, stopCode, exception };
  return { pass, ...figures, open, ...closed };
}

/** Pings of the named address leave while the rule is there, and nothing else ever does: with the daemon, after its end, without the rule. */
async function withException(network: DemoNetwork) {
  const { laptop, relayA, miner } = network;
  relayA.host.addAddress('lo', `${NAMED_ADDRESS}/32`);
  const pings = ['-n', '-c', String(PINGS), '-i', '0.2', '-W', '1', NAMED_ADDRESS];
  const phase = async () => {
    let answered = false;
    const asked = async () => {
      answered = (await laptop.start('ping', 'ping', pings).exited) === 0;
    };
    const report = await watched(network, asked, NAMED_ADDRESS);
    return { ...report, pingsAnswered: answered };
  };
  network.writeConfigurations({}, [EXCEPTION]);
  miner.loadFirewall();
  await miner.start();
  await network.connected();
  const isShown = (await miner.ask('status', {})).policy.direct.length === 1;
  const running = await phase();
  await miner.kill();
  const killed = await phase();
  network.writeConfigurations();
  miner.loadFirewall();
  const gone = await phase();
  const good =
    isShown &&
    [running, killed, gone].every(nothingLeaked) &&
    [running, killed].every(({ excepted, pingsAnswered }) => pingsAnswered && excepted === 2 * PINGS) &&
    gone.excepted === 0 &&
    !gone.pingsAnswered;
  return { good, isShown, running, killed, gone };
}

/** The daemon must refuse the file. Loading the firewall with it may fail or lock the box; it may not open it. */
async function breakConfiguration({ miner }: DemoNetwork): Promise<boolean> {
  writeFileSync(miner.configFile, '[node\nname = ');
  const daemonCode = await miner.launch().exited;
  try {
    miner.loadFirewall();
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
  }
  return daemonCode === EXIT_CONFIG_INVALID;
}
