/**
 * What the daemon tells the service manager that started it, by systemd's notification protocol (sd_notify(3)): that it is
 * ready, that it is stopping, and, where the unit sets a watchdog, twice in each period that its event loop still turns.
 * Without NOTIFY_SOCKET in the environment (procd, a terminal) all of it does nothing.
 */
import type { Log } from '../base/env.ts';
import type { Datapath } from '../os/datapath.ts';

/** systemd asks for half of the period: one late word is not the end. */
const WORDS_PER_PERIOD = 2;
const MICROSECONDS_PER_MS = 1_000;

export class ServiceManager {
  private readonly socketPath: string | undefined;
  private readonly periodMs: number | undefined;
  private readonly datapath: Pick<Datapath, 'notify'>;
  private readonly log: Log;
  private watchdog: NodeJS.Timeout | undefined;

  /** `environment` is the process's: systemd says there what it wants to hear. */
  constructor(environment: NodeJS.ProcessEnv, datapath: Pick<Datapath, 'notify'>, log: Log) {
    this.socketPath = environment.NOTIFY_SOCKET;
    this.periodMs = watchdogPeriodMs(environment);
    this.datapath = datapath;
    this.log = log;
  }

  /** The daemon serves; from now on the watchdog is fed. */
  async ready(): Promise<void> {
    await this.say('READY=1');
    if (this.periodMs === undefined) return;
    this.watchdog = setInterval(() => void this.say('WATCHDOG=1'), this.periodMs / WORDS_PER_PERIOD);
  }

  async stopping(): Promise<void> {
    clearInterval(this.watchdog);
    await this.say('STOPPING=1');
  }

  private async say(text: string): Promise<void> {
    if (this.socketPath === undefined) return;
    try {
      await this.datapath.notify(this.socketPath, text);
    } catch (error) {
      // A service manager that can't be told will act on its own; the daemon is fine.
      this.log.write('warn', 'service-manager', { said: text, reason: (error as Error).message });
    }
  }
}

/** None when no watchdog is set, or it is set for another process (WATCHDOG_PID) that started this one. */
function watchdogPeriodMs(environment: NodeJS.ProcessEnv): number | undefined {
  const { WATCHDOG_USEC, WATCHDOG_PID } = environment;
  if (WATCHDOG_USEC === undefined) return undefined;
  if (WATCHDOG_PID !== undefined && Number(WATCHDOG_PID) !== process.pid) return undefined;
  const periodMs = Number(WATCHDOG_USEC) / MICROSECONDS_PER_MS;
  return periodMs > 0 ? periodMs : undefined;
}
