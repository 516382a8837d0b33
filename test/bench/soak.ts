/**
 * Full speed for a long time: downloads and uploads over four connections in turns, through miner, relays and gateway on unshaped cables.
 * What the daemons hold after the first quarter of it they hold at its end, and they refuse nothing.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { runIperf, startIperf } from '../lab/harness/clients.ts';
import { DemoNetwork, LAN_ADDRESS, WEB_ADDRESS } from '../lab/harness/demo-topology.ts';
import { median } from '../lab/harness/spread.ts';

export const about = 'ten minutes at full speed: memory stays flat, and nothing is refused';
export const takes = '10 min, --gate 3 min';

const MINUTES = 10;
/** In less, its second quarter still has tables and compiled code on their way to their size: that takes a minute and a half. */
const GATE_MINUTES = 3;
const TURN_SECONDS = 5;
const STREAMS = 4;
const MOST_GROWTH = 0.05;
/**
 * A set-up from both ends at once, of which one is given up; the kernel's own IPv6 greetings on a new TUN device; answers to probes of the path's MTU
 * that busy processors answered after they were given up.
 */
const EXPECTED_DROPS = ['handshake-simultaneous', 'ip-version', 'frame-path-ack-unexpected'];

interface Turn {
  readonly mbit: number;
  /** Resident, by daemon. */
  readonly bytes: readonly number[];
}

export async function run(context: RunContext): Promise<RunResult> {
  const network = new DemoNetwork(context, { rateMbit: 0, fileBytes: 1_000 });
  const { laptop, daemons } = network;
  laptop.addAddress('eth0', '192.168.42.250/24');
  laptop.addRoute('default', LAN_ADDRESS);
  await network.start();
  await startIperf(network.internetHost, WEB_ADDRESS);

  const turns: Turn[] = [];
  const count = ((context.gate ? GATE_MINUTES : MINUTES) * 60) / TURN_SECONDS;
  for (let turn = 0; turn < count; turn++) {
    const options = { seconds: TURN_SECONDS, streams: STREAMS, reverse: turn % 2 === 0 };
    const mbit = Math.round(await runIperf(laptop, WEB_ADDRESS, options));
    const bytes = (await Promise.all(daemons.map((daemon) => daemon.ask('status', {})))).map(
      (status) => status.memory_rss_bytes,
    );
    turns.push({ mbit, bytes });
    context.log(`${options.reverse ? 'down' : 'up'}: ${mbit} Mb/s; ${bytes.map(megabytes).join(', ')} MB`);
  }
  const statuses = await Promise.all(daemons.map((daemon) => daemon.ask('status', {})));
  const memory = statuses.map(({ node }, i) =>
    growthOf(
      node.name,
      turns.map(({ bytes }) => bytes[i]),
    ),
  );
  const drops = Object.fromEntries(statuses.map((status) => [status.node.name, unexpected(status.drops)]));
  const isClean = Object.values(drops).every((names) => Object.keys(names).length === 0);
  const pass = isClean && memory.every(({ growth }) => growth <= MOST_GROWTH);
  return { pass, downMbit: rateOf(turns, 0), upMbit: rateOf(turns, 1), memory, drops };
}

/** From the second quarter of the turns to the last one; the first brings tables and compiled code to their size. */
function growthOf(name: string, bytes: readonly number[]) {
  const quarter = Math.floor(bytes.length / 4);
  const [early, late] = [bytes.slice(quarter, 2 * quarter), bytes.slice(-quarter)].map(median);
  return { name, earlyMb: megabytes(early), lateMb: megabytes(late), growth: Number((late / early - 1).toFixed(3)) };
}

function unexpected(drops: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(drops).filter(([name]) => !EXPECTED_DROPS.includes(name)));
}

/** Of every other turn, from `first` on. */
function rateOf(turns: readonly Turn[], first: number): number {
  return median(turns.filter((_, i) => i % 2 === first).map(({ mbit }) => mbit));
}

const megabytes = (bytes: number) => Math.round(bytes / 1e6);
