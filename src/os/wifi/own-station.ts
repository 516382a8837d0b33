/**
 * A station: wpa_supplicant in the foreground as a child, with one network in its configuration, for as long as that network is joined. It says
 * on its standard output when it is in and when it is out again.
 */
import { join } from 'node:path';
import type { Log } from '../../base/env.ts';
import type { HeardBox } from '../../radio/radio.ts';
import { Child } from '../child.ts';
import { replaceFile } from '../store.ts';
import type { Station } from './back-end.ts';

/** The decisions about it give up after 10 s; this one is for a program that hangs. */
const JOIN_MS = 30_000;

/** The text of wpa_supplicant's configuration. The box's own links encrypt, so nobody needs a password: whoever is in range may be a neighbour. */
export function supplicantConfig({ ssid, bssid, frequencyMhz }: HeardBox): string {
  const network = [
    `  ssid=${Buffer.from(ssid, 'utf8').toString('hex')}`,
    `  bssid=${bssid}`,
    `  scan_freq=${frequencyMhz}`,
    `  freq_list=${frequencyMhz}`,
    '  key_mgmt=NONE',
  ];
  return `# Written by skywired for each network that it joins.\nnetwork={\n${network.join('\n')}\n}\n`;
}

export class OwnStation implements Station {
  private readonly directory: string;
  private readonly name: string;
  private readonly child: Child;

  /** `left` is called when the station is out again, or was not let in. */
  constructor(directory: string, name: string, log: Log, left: (reason: string) => void) {
    this.directory = directory;
    this.name = name;
    this.child = new Child('wpa_supplicant', log, left, { failure: /CTRL-EVENT-DISCONNECTED/ });
  }

  /** Resolves when it is in. @throws Failure system-tool */
  async join(box: HeardBox): Promise<void> {
    const file = join(this.directory, `${this.name}.supplicant`);
    await replaceFile(file, supplicantConfig(box));
    await this.child.start(['-D', 'nl80211', '-i', this.name, '-c', file], /CTRL-EVENT-CONNECTED/, JOIN_MS);
  }

  async leave(): Promise<void> {
    await this.child.stop();
  }
}
