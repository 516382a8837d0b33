/**
 * A message to the service manager without the addon: Node.js has no unix datagram sockets, so systemd's own tool sends it.
 * A process a message is affordable for something said twice in a watchdog's period.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { toolEnvironment } from './command.ts';

const execute = promisify(execFile);

/** Rejects when the tool is missing, or when it could not send. */
export async function portableNotify(socketPath: string, text: string): Promise<void> {
  await execute('systemd-notify', text.split('\n'), { env: { ...toolEnvironment(), NOTIFY_SOCKET: socketPath } });
}
