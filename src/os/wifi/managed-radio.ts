/**
 * A radio that NetworkManager has, on somebody's laptop: a station in the network of one box, while its owner has no other use for it. It is no access
 * point, so it finds boxes and is not found. Whatever else its owner or NetworkManager connects it to comes first: it is joined only
 * after nothing else was connected for 20 s, and it is not looked around with before.
 *
 *   taken ──20 s without a connection──▶ free ──join──▶ ours      back to taken: as soon as any other connection is there
 */
import { Failure } from '../../base/failure.ts';
import { planManagedRadio, type RadioPlan } from '../../radio/plan.ts';
import type { HeardBox } from '../../radio/radio.ts';
import { guardLentInterface } from '../wifi-firewall.ts';
import { attempt, type RadioBackEnd, type Station } from './back-end.ts';
import * as iw from './iw.ts';
import * as nmcli from './nmcli.ts';

/** NetworkManager looks for networks that its owner knows within this time, after a start and when one is lost. */
const FREE_AFTER_MS = 20_000;

export class ManagedRadio implements RadioBackEnd {
  readonly plan = planManagedRadio;
  /** `wlan0`. */
  private readonly device: string;
  /** Of the connection. */
  private readonly name: string;
  private freeSince: number | undefined;
  /** While a connection of ours is up: to be called when it is not any more. */
  private left: ((reason: string) => void) | undefined;

  constructor(device: string) {
    this.device = device;
    this.name = `skywire-${device}`;
  }

  /** A daemon that was killed may have left a connection behind. */
  async open(_plan: RadioPlan, _frequencyMhz: number): Promise<readonly string[]> {
    await attempt(nmcli.disconnect(this.name));
    return [this.device];
  }

  /** A station is where the access point is. */
  async move(): Promise<void> {}

  /** NetworkManager looks around too, and the kernel does one thing at a time: then nobody is heard, and it is tried again. */
  async scan(frequenciesMhz: readonly number[]): Promise<HeardBox[]> {
    if (!this.isFree()) return [];
    try {
      return await iw.scan(this.device, frequenciesMhz);
    } catch (error) {
      if (error instanceof Failure) return [];
      throw error;
    }
  }

  station(_name: string, left: (reason: string) => void): Station {
    return {
      join: async (box) => {
        if (!this.isFree()) throw new Failure('system-tool', `${this.device} is in use`, 'It is tried again later');
        await guardLentInterface(this.device, true);
        await nmcli.connect(this.device, this.name, box);
        this.left = left;
      },
      leave: async () => {
        this.left = undefined;
        await attempt(nmcli.disconnect(this.name));
        await attempt(guardLentInterface(this.device, false));
      },
    };
  }

  async look(): Promise<number> {
    const device = (await nmcli.managedDevices()).find(({ name }) => name === this.device);
    if (device === undefined) {
      throw new Failure('system-tool', `NetworkManager does not have ${this.device} any more`, 'It is looked at anew');
    }
    if (device.state !== 'disconnected') this.freeSince = undefined;
    else this.freeSince ??= performance.now();
    const { left } = this;
    if (left !== undefined && device.connection !== this.name) {
      this.left = undefined;
      left(`${this.device} is ${device.state}`);
    }
    return 0;
  }

  async close(): Promise<void> {}

  private isFree(): boolean {
    return this.freeSince !== undefined && performance.now() - this.freeSince >= FREE_AFTER_MS;
  }
}
