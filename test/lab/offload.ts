/**
 * The demo with every datagram and every message sealed and opened by offload devices: the RTL, simulated, one device a daemon.
 *
 *   laptop ── miner ──┬── relay-a ──┐
 *               │     │      │      ├── gateway ── internet
 *               │     └── relay-b ──┘       │
 *               │            │              │
 *            device    device each       device            each link 3 Mb/s: what a simulation keeps up with
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { RunningDownload, takeDhcpLease } from './harness/clients.ts';
import { DemoNetwork, WEB_NAME } from './harness/demo-topology.ts';
import { attachOffloadDevices, inSoftware, offloadOf } from './harness/offload-devices.ts';

export const about = 'the demo with every datagram sealed and opened by simulated offload devices, new keys included';
export const takes = '1 min';

const RATE_MBIT = 3;
const FILE_BYTES = 6_000_000;
const DATAGRAM_BYTES = 1_440;
/** Each link changes both its keys about once a second under load, and each end loads both. */
const LEAST_KEY_LOADS_A_SECOND = 1;

export async function run(context: RunContext): Promise<RunResult> {
  const network = new DemoNetwork(context, { rateMbit: RATE_MBIT, fileBytes: FILE_BYTES });
  await attachOffloadDevices(context, network, 'small');
  await network.start();
  await takeDhcpLease(network.laptop, 'eth0');
  const before = await Promise.all(network.daemons.map(offloadOf));
  const download = await new RunningDownload(network.laptop, `http://${WEB_NAME}/file`).finished;
  const complete = download.sha256 === network.internet.sha256;

  const nodes: Record<string, unknown> = {};
  let pass = complete;
  for (const [i, daemon] of network.daemons.entries()) {
    const status = await offloadOf(daemon);
    const jobs = status.sealed + status.opened - before[i].sealed - before[i].opened;
    const keyLoads = status.key_loads - before[i].key_loads;
    const figures = {
      sealed: status.sealed,
      opened: status.opened,
      inSoftware: status.software,
      failures: status.failures,
      keyLoads,
    };
    nodes[daemon.host.name] = figures;
    context.log(`${daemon.host.name}: ${JSON.stringify(figures)}`);
    // A relay carries about half of the file, in and out; the ends carry all of it once.
    const leastJobs = (0.8 * FILE_BYTES) / DATAGRAM_BYTES / 2;
    pass &&= jobs >= leastJobs && inSoftware(status) === 0 && status.state === 'up' && status.last_failure === null;
    pass &&= keyLoads >= (LEAST_KEY_LOADS_A_SECOND * download.ms) / 1000;
  }
  return { pass, complete, seconds: Number((download.ms / 1000).toFixed(1)), nodes };
}
