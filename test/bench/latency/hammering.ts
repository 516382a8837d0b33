/**
 * What a busy control plane adds to the packets that the same daemons pass on: pings every millisecond through miner, relay and gateway, while
 * several clients ask on control sockets without a pause and people type `skywire status` and `skywire routes`. Turn by turn
 *
 *   quiet      nobody asks
 *   beside     they ask three daemons that carry nothing: all take as much of the same processors
 *   hammered   they ask the three that carry the pings
 *
 * What `hammered` has more than `beside` is what it costs that control plane and data path are one process.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunContext } from '../../../scripts/run-contract.ts';
import { numberArg } from '../../helpers/run-args.ts';
import { pingsUnderWay } from '../../lab/harness/clients.ts';
import { CLI_PROGRAM, Daemon } from '../../lab/harness/daemon.ts';
import { Lab } from '../../lab/harness/lab.ts';
import type { LabProcess } from '../../lab/harness/lab-process.ts';
import { type Spread, spread } from '../../lab/harness/spread.ts';
import { daemonArgs, ROUNDS, SECONDS } from '../tunnel/contest.ts';
import { SkywireWay } from '../tunnel/skywire-way.ts';
import { TunnelNetwork } from '../tunnel/tunnel-network.ts';

const LOADS = ['quiet', 'beside', 'hammered'] as const;
type Load = (typeof LOADS)[number];

const CABLES = 2;
const PING_EVERY_SECONDS = 0.001;
/** On each socket. */
const CLIENTS = 4;
const SETTLE_MS = 500;
const HAMMER = join(import.meta.dirname, 'hammer.ts');

interface LoadFigures {
  /** Round trips, ms. */
  readonly ms: Spread;
  /** Of the control plane, all daemons together. */
  readonly answersPerSecond: number;
}

/** Arguments of the run as in a contest. */
export async function hammering(context: RunContext): Promise<Record<Load, LoadFigures>> {
  const { args } = context;
  const [rounds, seconds] = [numberArg(args, 'rounds', ROUNDS), numberArg(args, 'seconds', SECONDS)];
  const lab = new Lab(context);
  const network = await TunnelNetwork.lay(lab, 'hammered', CABLES);
  const way = new SkywireWay(network, daemonArgs(args), true);
  const bystanders = way.daemons.map((_, i) => new Daemon(lab, lab.addHost(`bystander-${i}`), daemonArgs(args)));
  for (const bystander of bystanders) bystander.configure({ peers: [] });
  await Promise.all([way.up(), ...bystanders.map((bystander) => bystander.start())]);
  const asked: Record<Load, readonly Daemon[]> = { quiet: [], beside: bystanders, hammered: way.daemons };
  const times: Record<Load, number[]> = { quiet: [], beside: [], hammered: [] };
  const answers: Record<Load, number> = { quiet: 0, beside: 0, hammered: 0 };
  const askedMs: Record<Load, number> = { quiet: 0, beside: 0, hammered: 0 };
  const pings = { count: seconds / PING_EVERY_SECONDS, everySeconds: PING_EVERY_SECONDS, tos: 0 };
  // Before code is compiled.
  await pingsUnderWay(network.client, way.server, pings);
  for (let turn = 0; turn < rounds; turn++) {
    for (const load of LOADS) {
      const hammer = new Hammer();
      hammer.start(asked[load]);
      await pause(SETTLE_MS);
      const [before, startedMs] = [hammer.answers, performance.now()];
      times[load].push(...(await pingsUnderWay(network.client, way.server, pings)));
      answers[load] += hammer.answers - before;
      askedMs[load] += performance.now() - startedMs;
      await hammer.stop();
    }
  }
  const figures = (load: Load): LoadFigures => {
    const one = { ms: spread(times[load]), answersPerSecond: Math.round((1_000 * answers[load]) / askedMs[load]) };
    context.log(`${load}: ${JSON.stringify(one)}`);
    return one;
  };
  return { quiet: figures('quiet'), beside: figures('beside'), hammered: figures('hammered') };
}

/** Those who ask. */
class Hammer {
  /** What the clients on the sockets got. */
  answers = 0;
  private processes: readonly LabProcess[] = [];

  start(daemons: readonly Daemon[]): void {
    const [first] = daemons;
    if (first === undefined) return;
    const clients = [HAMMER, `${CLIENTS}`, ...daemons.map(({ socket }) => socket)];
    const typed = (command: string) => `${process.execPath} ${CLI_PROGRAM} ${command} --socket ${first.socket}`;
    this.processes = [
      first.host.start('hammer', process.execPath, clients, (line) => {
        this.answers = JSON.parse(line).answers;
      }),
      first.host.start('commands', 'sh', ['-c', `while ${typed('status')} && ${typed('routes')}; do :; done`]),
    ];
  }

  async stop(): Promise<void> {
    const tired = this.processes.find(({ running }) => !running);
    if (tired !== undefined) throw new Error(`those who ask gave up\n${tired.tail()}`);
    await Promise.all(this.processes.map((process) => process.stop()));
  }
}
