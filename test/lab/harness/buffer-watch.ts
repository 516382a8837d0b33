/** Looks at the route buffers of running daemons while traffic passes: how full they get, and whether any exceeds its bound. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Daemon } from './daemon.ts';

const LOOK_EVERY_MS = 250;

export interface BufferFigures {
  readonly looks: number;
  /** The fullest buffer of each node that was ever seen, in bytes. */
  readonly fullestBytes: Readonly<Record<string, number>>;
  /** Buffers seen above their own bound, in words. */
  readonly aboveBound: readonly string[];
  /** Pieces that nodes gave up while they were watched. */
  readonly givenUp: number;
}

export class BufferWatch {
  private readonly fullestBytes: Record<string, number> = {};
  private readonly aboveBound: string[] = [];
  private readonly looking: Promise<void>;
  /** By node, at the first look and at the last. */
  private readonly givenUpBefore: Record<string, number> = {};
  private readonly givenUpNow: Record<string, number> = {};
  private stopped = false;
  private looks = 0;

  /** Looks until it is stopped. */
  constructor(daemons: readonly Daemon[]) {
    this.looking = this.lookOn(daemons);
    this.looking.catch(() => {});
  }

  async stop(): Promise<BufferFigures> {
    this.stopped = true;
    await this.looking;
    const { looks, fullestBytes, aboveBound } = this;
    const grown = Object.entries(this.givenUpNow).map(([name, count]) => count - this.givenUpBefore[name]);
    return { looks, fullestBytes, aboveBound, givenUp: grown.reduce((sum, count) => sum + count, 0) };
  }

  private async lookOn(daemons: readonly Daemon[]): Promise<void> {
    while (!this.stopped) {
      for (const daemon of daemons) await this.look(daemon);
      this.looks++;
      await pause(LOOK_EVERY_MS);
    }
  }

  private async look(daemon: Daemon): Promise<void> {
    const { hops } = await daemon.ask('routes', {});
    const { name } = daemon.host;
    const givenUp = hops.reduce((sum, hop) => sum + hop.given_up, 0);
    this.givenUpBefore[name] ??= givenUp;
    this.givenUpNow[name] = givenUp;
    for (const { buffered_bytes: buffered, bound_bytes: bound, class: trafficClass } of hops) {
      this.fullestBytes[name] = Math.max(this.fullestBytes[name] ?? 0, buffered);
      if (buffered > bound) this.aboveBound.push(`${name} ${trafficClass}: ${buffered} of ${bound}`);
    }
  }
}
