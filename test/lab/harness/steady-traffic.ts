/** A download without end and shells that somebody types into (programs/steady.ts), through everything that a lab does to the way. */
import { join } from 'node:path';
import type { Host } from './lab.ts';
import type { LabProcess } from './lab-process.ts';
import { until } from './until.ts';

const PROGRAM = join(import.meta.dirname, 'programs', 'steady.ts');
const START_DEADLINE_MS = 10_000;
const SHELLS = 4;

/** A pause of the download; `from` is Unix milliseconds. */
interface Stall {
  readonly from: number;
  readonly ms: number;
}

export class SteadyTraffic {
  readonly stalls: Stall[] = [];
  /** Connections that ended, and why. */
  readonly lost: string[] = [];
  private readonly server: LabProcess;
  private readonly client: LabProcess;
  private summary: { bytes: number; echoes: number[] } | undefined;

  private constructor(server: LabProcess, laptop: Host, address: string) {
    this.server = server;
    this.client = laptop.start('steady', process.execPath, [PROGRAM, 'use', address, String(SHELLS)], (line) => {
      const event = JSON.parse(line);
      if (event.done) this.summary = event;
      else if (event.lost !== undefined) this.lost.push(`${event.lost}: ${event.why}`);
      else this.stalls.push({ from: event.stall_from, ms: event.ms });
    });
  }

  /** Starts the server at its address, then the client. */
  static async start(laptop: Host, server: Host, address: string): Promise<SteadyTraffic> {
    let ready = false;
    const serving = server.start('steady-server', process.execPath, [PROGRAM, 'serve', address], () => {
      ready = true;
    });
    await until(
      'the steady server',
      START_DEADLINE_MS,
      () => ready,
      () => serving.tail(),
    );
    return new SteadyTraffic(serving, laptop, address);
  }

  /** The longest pause of the download that reaches into the time between, ms; 0 when there was none. */
  longestStall(from: number, to: number): number {
    return Math.max(
      0,
      ...this.stalls.filter((stall) => stall.from + stall.ms > from && stall.from < to).map(({ ms }) => ms),
    );
  }

  /** Ends it; bytes of the download, and how long each typed line took to come back, ms. */
  async stop(): Promise<{ readonly bytes: number; readonly echoes: readonly number[] }> {
    await this.client.stop();
    await this.server.stop();
    if (this.summary === undefined) throw new Error(`the steady traffic broke off\n${this.client.tail()}`);
    return this.summary;
  }
}
