/** Gives every daemon of a network a simulated offload device of its own, and everything that it seals and opens to that device. */
import { appendFileSync } from 'node:fs';
import { buildHw, needSimulationTools } from '../../../scripts/hw/tools.ts';
import type { RunContext } from '../../../scripts/run-contract.ts';
import type { Result } from '../../../src/control/schema.ts';
import { type OffloadSize, SimulatedOffload } from '../../helpers/simulated-offload.ts';
import type { Daemon } from './daemon.ts';
import type { DemoNetwork } from './demo-topology.ts';

export type OffloadStatus = NonNullable<Result<'status'>['offload']>;

/** To be called before the network starts: it adds to the daemons' configurations. Builds the device where that is missing. */
export async function attachOffloadDevices(
  context: RunContext,
  network: DemoNetwork,
  size: OffloadSize,
): Promise<Map<Daemon, SimulatedOffload>> {
  needSimulationTools();
  await buildHw('device', size);
  const devices = new Map<Daemon, SimulatedOffload>();
  for (const daemon of network.daemons) {
    const device = new SimulatedOffload(network.lab.file(`offload-${daemon.host.name}`), size);
    context.onExit(() => device.stop());
    await device.start();
    appendFileSync(daemon.configFile, `[offload]\ndevice = ${JSON.stringify(device.device)}\nleast_batch = 1\n`);
    devices.set(daemon, device);
  }
  return devices;
}

/** Throws when the daemon has no offload device. */
export async function offloadOf(daemon: Daemon): Promise<OffloadStatus> {
  const { offload } = await daemon.ask('status', {});
  if (offload === null) throw new Error(`${daemon.host.name} has no offload device`);
  return offload;
}

export function inSoftware({ software }: OffloadStatus): number {
  return Object.values(software).reduce((sum, count) => sum + count, 0);
}
