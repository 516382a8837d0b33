/** The systemd units of an installed node, for commands that set a machine up. Without systemd there are none. */
import { existsSync } from 'node:fs';
import { Failure } from '../base/failure.ts';
import { runTool } from '../os/command.ts';
import { DEFAULT_CONFIG_FILE } from './config-file.ts';

const SYSTEMD_RUNS = '/run/systemd/system';
/** In the order in which they start: no network without the kill switch. */
const SERVICES = ['skywire-firewall.service', 'skywired.service'];

/**
 * Whether `file` is the configuration of the units, and systemd runs here: who sets up another node starts it himself.
 * @throws Failure not-permitted when it is theirs, and this user may not change them
 */
export function isInstalled(file: string): boolean {
  if (file !== DEFAULT_CONFIG_FILE) return false;
  if (process.geteuid?.() !== 0)
    throw new Failure('not-permitted', 'only root may set up this machine', 'Run it with sudo');
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
