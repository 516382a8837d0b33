/**
 * All radios of this box that it may use, as they come and go: looked for every 5 s, so a radio that is plugged in, and one whose driver was
 * reset and has another name now, are taken into use by themselves.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Log } from '../../base/env.ts';
import { Failure } from '../../base/failure.ts';
import { ensureDirectory } from '../store.ts';
import * as iw from './iw.ts';
import { RadioDriver, type RadioDriverOptions, type RadioReport } from './radio-driver.ts';

const LOOK_EVERY_MS = 5_000;
const NO_RADIO = 'there is no radio that may be used: see `iw phy`, and [wifi] radios';
/** More than any box has; also the numbers in names of interfaces. */
const MOST_RADIOS = 8;

export type WifiOptions = Omit<RadioDriverOptions, 'radio' | 'number'> & {
  /** Names as `iw phy` shows them; undefined: all. */
  readonly radios: readonly string[] | undefined;
};

export interface WifiReport {
  readonly radios: readonly RadioReport[];
  /** What concerns no single radio. */
  readonly problem: string | undefined;
}

export class Wifi {
  private readonly options: WifiOptions;
  private readonly log: Log;
  private readonly drivers = new Map<string, { readonly number: number; readonly driver: RadioDriver }>();
  private looking: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private problem: string | undefined;
  private countryIsSet = false;

  constructor(options: WifiOptions) {
    this.options = options;
    this.log = options.log;
  }

  /** Returns at once: radios take seconds, and the rest of the box need not wait for them. */
  start(): void {
    ensureDirectory(this.options.directory);
    endOrphans(this.options.directory);
    this.looking = this.look();
    this.timer = setInterval(() => {
      this.looking = this.looking.then(() => this.look());
    }, LOOK_EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
    await Promise.all([...this.drivers.values()].map(({ driver }) => driver.stop()));
    this.drivers.clear();
  }

  report(): WifiReport {
    return { radios: [...this.drivers.values()].map(({ driver }) => driver.report()), problem: this.problem };
  }

  private async look(): Promise<void> {
    try {
      if (!this.countryIsSet) await iw.setCountry(this.options.country);
      this.countryIsSet = true;
      await this.adopt(await iw.listRadios());
      this.say(this.drivers.size === 0 ? NO_RADIO : undefined);
    } catch (error) {
      this.say(error instanceof Failure ? `${error.message}. ${error.remedy}` : String(error));
    }
  }

  private async adopt(present: readonly string[]): Promise<void> {
    const { radios } = this.options;
    const wanted = present.filter((name) => radios?.includes(name) ?? true);
    for (const [name, { driver }] of this.drivers) {
      if (wanted.includes(name)) continue;
      this.drivers.delete(name);
      await driver.stop();
    }
    for (const name of wanted) {
      const number = this.freeNumber();
      if (this.drivers.has(name) || number === undefined) continue;
      const { hotspot, ...options } = this.options;
      const driver = new RadioDriver({ ...options, radio: name, number, hotspot: number === 0 ? hotspot : undefined });
      this.drivers.set(name, { number, driver });
      driver.start();
    }
  }

  private freeNumber(): number | undefined {
    const taken = [...this.drivers.values()].map(({ number }) => number);
    return Array.from({ length: MOST_RADIOS }, (_, number) => number).find((number) => !taken.includes(number));
  }

  private say(problem: string | undefined): void {
    if (problem !== undefined && problem !== this.problem) this.log.write('warn', 'wifi', { problem });
    this.problem = problem;
  }
}

/** A daemon that was killed leaves its programs behind; only those that run with our own configurations. */
function endOrphans(directory: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const [program = '', ...args] = commandOf(pid);
    const isOurs = /(hostapd|wpa_supplicant)$/.test(program) && args.some((text) => text.startsWith(`${directory}/`));
    if (!isOurs) continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
}

/** Empty when it ended meanwhile. */
function commandOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
