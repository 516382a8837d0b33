/**
 * Offload devices break in the middle of downloads, in every way that the fault switch knows and as processes: the miner's and
 * the gateway's at once. Software takes over within the batch, the download completes, `skywire status` says what it was, and
 * the device is taken back.
 *
 *   laptop ── miner ──┬── relay-a ──┐
 *               │     │             ├── gateway ── internet
 *               │     └── relay-b ──┘       │
 *            device (1)                  device (1)         (1) broken    each link 3 Mb/s
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import type { SimulatedOffload } from '../helpers/simulated-offload.ts';
import { RunningDownload, takeDhcpLease } from './harness/clients.ts';
import type { Daemon } from './harness/daemon.ts';
import { DemoNetwork, WEB_NAME } from './harness/demo-topology.ts';
import { attachOffloadDevices, offloadOf } from './harness/offload-devices.ts';
import { until } from './harness/until.ts';

export const about =
  'offload devices stall, lie, repeat themselves, lose everything and die mid-download: nothing is lost';
export const takes = '4 min';

const RATE_MBIT = 3;
const FILE_BYTES = 4_000_000;
const DEADLINE_MS = 90_000;

interface Fault {
  strike(device: SimulatedOffload): Promise<void>;
  heal(device: SimulatedOffload): Promise<void>;
  /** Any of these may be what the daemon notices first. */
  readonly reasons: readonly string[];
}

const line = (text: string, ...reasons: string[]): Fault => ({
  strike: (device) => device.fault(text),
  heal: (device) => device.fault('heal'),
  reasons,
});

const FAULTS: Readonly<Record<string, Fault>> = {
  stall: line('stall 60000', 'timeout', 'no-clock'),
  // A known-answer test may be what meets a fault first.
  corruptIn: line('corrupt-in 3', 'damaged-data', 'wrong-known-answer'),
  corruptDescriptor: line('corrupt-descriptor 1', 'bus-error', 'timeout', 'wrong-known-answer'),
  corruptOut: line('corrupt-out 3', 'damaged-data', 'wrong-known-answer'),
  duplicate: line('duplicate 3', 'stray-completion'),
  wrongKey: line('wrong-key 2', 'wrong-answer', 'wrong-known-answer'),
  reset: line('reset', 'reset-itself', 'bus-error', 'timeout'),
  killed: {
    strike: (device) => device.stop('SIGKILL'),
    heal: (device) => device.start(),
    reasons: ['no-device'],
  },
  frozen: {
    strike: async (device) => device.signal('SIGSTOP'),
    heal: async (device) => device.signal('SIGCONT'),
    reasons: ['timeout', 'no-clock'],
  },
};

/** What the daemon says about the fault, and whether it uses its device again. */
async function tookBack(daemon: Daemon, fault: Fault, failuresBefore: Readonly<Record<string, number>>) {
  const status = await until(
    `${daemon.host.name} uses its device again`,
    DEADLINE_MS,
    async () => {
      const now = await offloadOf(daemon);
      return now.state === 'up' && now;
    },
    () => daemon.tail(),
  );
  const noticed = Object.keys(status.failures).filter(
    (reason) => status.failures[reason] > (failuresBefore[reason] ?? 0),
  );
  return { noticed, right: noticed.some((reason) => fault.reasons.includes(reason)) };
}

export async function run(context: RunContext): Promise<RunResult> {
  const network = new DemoNetwork(context, { rateMbit: RATE_MBIT, fileBytes: FILE_BYTES });
  const devices = await attachOffloadDevices(context, network, 'small');
  await network.start();
  await takeDhcpLease(network.laptop, 'eth0');
  const broken = [network.miner, network.gateway];
  const figures: Record<string, unknown> = {};
  let pass = true;
  for (const [name, fault] of Object.entries(FAULTS)) {
    const before = await Promise.all(broken.map(offloadOf));
    const download = new RunningDownload(network.laptop, `http://${WEB_NAME}/file`);
    await download.passes(FILE_BYTES / 3, DEADLINE_MS, () => network.tails());
    await Promise.all(broken.map((daemon) => fault.strike(devices.get(daemon)!)));
    await download.passes((2 * FILE_BYTES) / 3, DEADLINE_MS, () => network.tails());
    await Promise.all(broken.map((daemon) => fault.heal(devices.get(daemon)!)));
    const { sha256, longestStallMs, ms } = await download.finished;
    const complete = sha256 === network.internet.sha256;
    const ends = await Promise.all(broken.map((daemon, i) => tookBack(daemon, fault, before[i].failures)));
    const noticed = [...new Set(ends.flatMap((end) => end.noticed))];
    pass &&= complete && ends.every((end) => end.right);
    figures[name] = {
      complete,
      noticed,
      right: ends.every((end) => end.right),
      longestStallMs,
      seconds: Math.round(ms / 1000),
    };
    context.log(`${name}: ${JSON.stringify(figures[name])}`);
  }
  return { pass, ...figures };
}
