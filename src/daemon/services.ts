/** The systemd units of an installed node, for commands that set a machine up. Without systemd there are none. */
import { existsSync } from 'node:fs';
import { Failure } from '../base/failure.ts';
import { runTool } from '../os/command.ts';

const SYSTEMD_RUNS = '/run/systemd/system';
/** In the order in which they start: no network without the kill switch. */
const SERVICES = ['skywire-firewall.service', 'skywired.service'];

export function hasServices(): boolean {
  return existsSync(SYSTEMD_RUNS);
}

/** Resolves when the daemon serves. @throws Failure system-tool, not-permitted */
export async function startServices(): Promise<void> {
  await runTool('systemctl', ['enable', '--quiet', ...SERVICES]);
  try {
    await runTool('systemctl', ['restart', ...SERVICES]);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(error.code, error.message, 'See why: journalctl -u skywired -n 20');
  }
}

/** Resolves when the daemon has ended. The kill switch stays. @throws Failure system-tool, not-permitted */
export async function stopDaemon(): Promise<void> {
  await runTool('systemctl', ['stop', 'skywired.service']);
}
