/**
 * An access point: hostapd in the foreground as a child, with a configuration of our own. What it has to say it says on its standard output; nothing
 * is ever asked of it while it runs, so its control socket stays closed (docs/decisions/wifi.md).
 */
import { join } from 'node:path';
import type { Log } from '../../base/env.ts';
import { Child } from '../child.ts';
import { replaceFile } from '../store.ts';

const START_MS = 20_000;

export interface AccessPointOptions {
  readonly directory: string;
  readonly interface: string;
  readonly ssid: string;
  readonly frequencyMhz: number;
  readonly country: string;
  /** Whole elements for beacons and probe responses. */
  readonly element: Uint8Array | undefined;
  /** Clients hear the box and not each other. */
  readonly isolated: boolean;
}

/** The text of hostapd's configuration. */
export function hostapdConfig(options: Omit<AccessPointOptions, 'directory'>): string {
  const { frequencyMhz, element } = options;
  const is5GHz = frequencyMhz > 5000;
  const lines = [
    '# Written by skywired at each start.',
    `interface=${options.interface}`,
    'driver=nl80211',
    `ssid2=${Buffer.from(options.ssid, 'utf8').toString('hex')}`,
    `country_code=${options.country}`,
    'ieee80211d=1',
    `hw_mode=${is5GHz ? 'a' : 'g'}`,
    `channel=${channelOf(frequencyMhz)}`,
    'ieee80211n=1',
    'wmm_enabled=1',
    `ap_isolate=${options.isolated ? 1 : 0}`,
  ];
  if (is5GHz) lines.push('ieee80211ac=1');
  if (element !== undefined) lines.push(`vendor_elements=${Buffer.from(element).toString('hex')}`);
  return `${lines.join('\n')}\n`;
}

/** The channel's number (IEEE 802.11 section 15.4.4.3 and annex E): what hostapd is told. */
export function channelOf(frequencyMhz: number): number {
  if (frequencyMhz === 2484) return 14;
  return frequencyMhz < 5000 ? (frequencyMhz - 2407) / 5 : (frequencyMhz - 5000) / 5;
}

export class AccessPoint {
  private readonly options: AccessPointOptions;
  private readonly child: Child;

  constructor(options: AccessPointOptions, log: Log, ended: (reason: string) => void) {
    this.options = options;
    this.child = new Child('hostapd', log, ended);
  }

  /** Resolves when it calls. @throws Failure system-tool */
  async start(): Promise<void> {
    const file = join(this.options.directory, `${this.options.interface}.hostapd`);
    await replaceFile(file, hostapdConfig(this.options));
    await this.child.start([file], /AP-ENABLED/, START_MS);
  }

  async stop(): Promise<void> {
    await this.child.stop();
  }
}
