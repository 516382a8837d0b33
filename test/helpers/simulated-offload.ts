/** The simulated offload device (hw/sim/device.cpp) as a process, and its fault switch. `npm run hw` builds the program. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../scripts/named-runs.ts';

export type OffloadSize = 'small' | 'single' | 'full';

export function deviceProgram(size: OffloadSize): string {
  return join(PROJECT_ROOT, 'dist', 'hw', size, 'device');
}

export function hasDevice(size: OffloadSize): boolean {
  return existsSync(deviceProgram(size));
}

export class SimulatedOffload {
  readonly socket: string;
  private readonly size: OffloadSize;
  private process: ChildProcess | undefined;

  /** `socket` is a path that is short enough for a unix socket. */
  constructor(socket: string, size: OffloadSize) {
    this.socket = socket;
    this.size = size;
  }

  /** As the configuration names it. */
  get device(): string {
    return `unix:${this.socket}`;
  }

  /** Resolves when a driver can connect. */
  async start(): Promise<void> {
    const child = spawn(deviceProgram(this.size), [this.socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.process = child;
    await new Promise<void>((resolve, reject) => {
      child.stdout!.once('data', () => resolve());
      child.once('exit', (code, signal) => reject(new Error(`the device ended with ${code ?? signal}`)));
    });
  }

  signal(name: NodeJS.Signals): void {
    this.process?.kill(name);
  }

  async stop(name: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill(name);
    await ended;
    rmSync(this.socket, { force: true });
    rmSync(`${this.socket}.fault`, { force: true });
  }

  /** A line of the fault switch; resolves when it is in force. */
  async fault(line: string): Promise<void> {
    const answer = await new Promise<string>((resolve, reject) => {
      const connection = createConnection(`${this.socket}.fault`);
      connection.once('error', reject);
      connection.once('data', (bytes) => {
        connection.end();
        resolve(bytes.toString().trim());
      });
      connection.write(`${line}\n`);
    });
    if (answer !== 'ok') throw new Error(`the fault switch does not know "${line}"`);
  }
}
