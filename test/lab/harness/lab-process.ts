/** A program that runs in a namespace. What it prints goes to a file, the last lines of which explain a failure. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const STOP_GRACE_MS = 5_000;
const SHOWN_LINES = 15;
/** USER_HZ, which is part of Linux' interface. */
const TICKS_PER_SECOND = 100;

export interface ProcessOptions {
  readonly name: string;
  readonly logFile: string;
  /** Gets each line of standard output, which then does not go to the log. */
  onLine?(line: string): void;
}

export class LabProcess {
  readonly name: string;
  readonly logFile: string;
  /** Resolves with the exit code, or -1 when a signal ended it. */
  readonly exited: Promise<number>;
  private readonly child: ChildProcess;

  constructor(command: string, args: readonly string[], options: ProcessOptions) {
    this.name = options.name;
    this.logFile = options.logFile;
    const log = openSync(options.logFile, 'a');
    this.child = spawn(command, args, { stdio: ['ignore', options.onLine ? 'pipe' : log, log] });
    closeSync(log);
    this.exited = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code) => resolve(code ?? -1));
    });
    this.exited.catch(() => {});
    if (options.onLine) createInterface({ input: this.child.stdout! }).on('line', options.onLine);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Of the processor, its own and the kernel's on its behalf, while it runs. */
  get cpuSeconds(): number {
    // proc_pid_stat(5): fields 14 and 15; the name in field 2 may hold spaces.
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  /** Of its memory, what is in the machine's. */
  get residentBytes(): number {
    const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8')) ?? [];
    return 1_024 * Number(kib);
  }

  /** The last lines it printed, under its name. */
  tail(lines: number = SHOWN_LINES): string {
    const text = readFileSync(this.logFile, 'utf8').trimEnd();
    return `--- last lines of ${this.name}\n${text.split('\n').slice(-lines).join('\n')}`;
  }

  /** SIGTERM, and SIGKILL to what does not listen. Resolves when it is gone. */
  async stop(): Promise<number> {
    if (!this.running) return this.exited;
    this.child.kill('SIGTERM');
    const kill = setTimeout(() => this.child.kill('SIGKILL'), STOP_GRACE_MS);
    return this.exited.finally(() => clearTimeout(kill));
  }

  /** As a power cut: no chance to tidy up. Resolves when it is gone. */
  async kill(): Promise<void> {
    if (!this.running) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}
