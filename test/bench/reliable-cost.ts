/**
 * What store and forward costs where it is not needed: TCP through the tunnel over clean, unshaped cables, with the tunnel's
 * delivery switched between `reliable` and `unreliable` from turn to turn, in one run with the same daemons. On two cores it
 * is the daemons that set the pace, so their time for a gigabyte is shown beside the rate.
 *
 *   laptop ── miner ──┬── relay-a ──┐
 *                     │             ├── gateway ── internet (iperf3)
 *                     └── relay-b ──┘
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { runIperf, startIperf } from '../lab/harness/clients.ts';
import { DemoNetwork, LAN_ADDRESS, WEB_ADDRESS } from '../lab/harness/demo-topology.ts';
import type { LabProcess } from '../lab/harness/lab-process.ts';
import { median } from '../lab/harness/spread.ts';

export const about = 'what reliable delivery costs of the throughput over clean unshaped cables, against unreliable';
export const takes = '90 s, gate 45 s';
export const gate = true;

const MODES = ['reliable', 'unreliable'] as const;
type Mode = (typeof MODES)[number];

/** Turns of each mode: the machine's own ups and downs are larger than what is measured, and medians leave them out. */
const TURNS = 7;
const GATE_TURNS = 3;
const SECONDS = 4;
/** Before code is compiled and links know their rates. */
const WARM_UP_SECONDS = 5;
/** Several connections: the daemons set the pace, not the start of one TCP. */
const STREAMS = 4;
const MOST_COST = 0.15;

interface Turn {
  readonly mbit: number;
  /** Processor seconds of all four daemons for a gigabyte of payload. */
  readonly cpuSecondsPerGb: number;
}

export async function run(context: RunContext): Promise<RunResult> {
  const network = new DemoNetwork(context, { rateMbit: 0, fileBytes: 1_000 });
  const { laptop, miner } = network;
  laptop.addAddress('eth0', '192.168.42.250/24');
  laptop.addRoute('default', LAN_ADDRESS);
  const daemons = await network.start();
  await startIperf(network.internetHost, WEB_ADDRESS);

  const download = async (delivery: Mode, seconds: number): Promise<Turn> => {
    await miner.ask('delivery.use', { tunnel: true, delivery });
    await network.connected();
    const before = cpuSeconds(daemons);
    const mbit = await runIperf(laptop, WEB_ADDRESS, { seconds, reverse: true, streams: STREAMS });
    const gigabytes = (mbit * seconds) / 8_000;
    return { mbit: Math.round(mbit), cpuSecondsPerGb: round((cpuSeconds(daemons) - before) / gigabytes) };
  };
  const turns: Record<Mode, Turn[]> = { reliable: [], unreliable: [] };
  for (const mode of MODES) await download(mode, WARM_UP_SECONDS);
  const count = context.gate ? GATE_TURNS : TURNS;
  for (let turn = 0; turn < count; turn++) {
    // There and back, so that what changes with time changes both alike.
    const order = turn % 2 === 0 ? MODES : MODES.toReversed();
    for (const mode of order) {
      const figures = await download(mode, SECONDS);
      turns[mode].push(figures);
      context.log(`${mode}: ${figures.mbit} Mb/s, ${figures.cpuSecondsPerGb} s of CPU a GB`);
    }
  }
  const reliable = medians(turns.reliable);
  const unreliable = medians(turns.unreliable);
  const cost = round(1 - reliable.mbit / unreliable.mbit);
  const { datapath } = await miner.ask('status', {});
  return { pass: cost < MOST_COST, datapath: datapath.name, cost, mostCost: MOST_COST, reliable, unreliable, turns };
}

function cpuSeconds(processes: readonly LabProcess[]): number {
  return processes.reduce((total, process) => total + process.cpuSeconds, 0);
}

function medians(turns: readonly Turn[]): Turn {
  const [mbit, cpuSecondsPerGb] = [turns.map((turn) => turn.mbit), turns.map((turn) => turn.cpuSecondsPerGb)].map(
    median,
  );
  return { mbit, cpuSecondsPerGb };
}

const round = (value: number) => Number(value.toFixed(3));
