/** Programs of others, as scripts/setup --peers unpacks them or Debian installs them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../../lab/harness/lab.ts';
import type { LabProcess } from '../../lab/harness/lab-process.ts';

const PEERS_ROOT = '/var/cache/skywire/peers';
/** The unpacked ones first: this machine's wireguard-go may be one without segmentation offload. */
const FOLDERS = [`${PEERS_ROOT}/usr/bin`, `${PEERS_ROOT}/usr/sbin`, '/usr/bin', '/usr/sbin'] as const;
const LIBRARIES = `${PEERS_ROOT}/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;

/** Throws when it is nowhere. */
export function peerProgram(name: string): string {
  const program = FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (program === undefined) throw new Error(`no ${name}; remedy: scripts/setup --peers`);
  return program;
}

export function startPeer(host: Host, name: string, args: readonly string[]): LabProcess {
  return host.start(name, 'env', [`LD_LIBRARY_PATH=${LIBRARIES}`, peerProgram(name), ...args]);
}
