/**
 * A radio with nobody else on it: its interfaces are made for this daemon, hostapd and wpa_supplicant run as its children, and `iw` does the rest.
 *
 * Interfaces are `sky-mesh0`, `sky-ap0`, `sky-sta0-1` and `sky-hot0`, with random addresses, anew at every start. What the radio had before is set down
 * meanwhile.
 */
import { existsSync } from 'node:fs';
import type { Log } from '../../base/env.ts';
import { Failure } from '../../base/failure.ts';
import { planRadio, type RadioPlan } from '../../radio/plan.ts';
import type { HeardBox } from '../../radio/radio.ts';
import { encodeWifiElement, wifiSsid } from '../../wire/wifi-element.ts';
import { AccessPoint } from './access-point.ts';
import { attempt, type RadioBackEnd, type Station } from './back-end.ts';
import * as iw from './iw.ts';
import { OwnStation } from './own-station.ts';

/** Of the names of all interfaces that are made here. */
export const OWN_PREFIX = 'sky-';

export interface OwnRadioOptions {
  /** `phy0`. */
  readonly radio: string;
  /** In the names of its interfaces. */
  readonly number: number;
  /** For configurations. */
  readonly directory: string;
  readonly country: string;
  /** Address hash of this node. */
  readonly ownHash: Uint8Array;
  /** An open network for anybody; undefined: none on this radio. */
  readonly hotspot: { readonly ssid: string; readonly interface: string; made(): Promise<void> } | undefined;
  readonly log: Log;
  /** An access point broke. */
  readonly broken: (reason: string) => void;
}

export class OwnRadio implements RadioBackEnd {
  readonly plan = planRadio;
  private readonly o: OwnRadioOptions;
  private readonly names: { readonly mesh: string; readonly accessPoint: string };
  private opened: RadioPlan | undefined;
  private accessPoints: AccessPoint[] = [];
  private stations: string[] = [];
  private readonly made: string[] = [];
  /** Interfaces of others. */
  private readonly setDown: string[] = [];

  constructor(options: OwnRadioOptions) {
    this.o = options;
    this.names = { mesh: `${OWN_PREFIX}mesh${options.number}`, accessPoint: `${OWN_PREFIX}ap${options.number}` };
  }

  async open(plan: RadioPlan, frequencyMhz: number): Promise<readonly string[]> {
    const { number, hotspot } = this.o;
    this.opened = plan;
    await this.clear();
    if (plan.mesh) await this.make(this.names.mesh, 'mesh');
    if (plan.accessPoint) await this.make(this.names.accessPoint, 'access-point');
    if (plan.accessPoint && hotspot !== undefined) {
      await this.make(hotspot.interface, 'access-point');
      await hotspot.made();
    }
    this.stations = Array.from({ length: plan.stations }, (_, index) => `${OWN_PREFIX}sta${number}-${index + 1}`);
    for (const name of this.stations) await this.make(name, 'station');
    await this.call(frequencyMhz);
    for (const name of this.stations) await iw.setUp(name, true);
    return this.stations;
  }

  async move(frequencyMhz: number): Promise<void> {
    for (const accessPoint of this.accessPoints) await accessPoint.stop();
    if (this.opened!.mesh) await iw.leaveMesh(this.names.mesh);
    await this.call(frequencyMhz);
  }

  scan(frequenciesMhz: readonly number[]): Promise<HeardBox[]> {
    return iw.scan(this.opened!.mesh ? this.names.mesh : this.stations[0], frequenciesMhz);
  }

  station(name: string, left: (reason: string) => void): Station {
    return new OwnStation(this.o.directory, name, this.o.log, left);
  }

  async look(): Promise<number> {
    const gone = this.made.find((name) => !existsSync(`/sys/class/net/${name}`));
    if (gone !== undefined) throw new Failure('system-tool', `the interface ${gone} is gone`, 'It is made anew');
    return this.opened!.mesh ? iw.meshMembers(this.names.mesh) : 0;
  }

  async close(): Promise<void> {
    for (const accessPoint of this.accessPoints) await accessPoint.stop();
    for (const name of this.made.reverse()) await attempt(iw.removeInterface(name));
    for (const name of this.setDown) await attempt(iw.setUp(name, true));
  }

  /** What an earlier start left behind goes; what others have on the radio would hold its frequency. */
  private async clear(): Promise<void> {
    for (const name of await iw.interfacesOf(this.o.radio)) {
      if (name.startsWith(OWN_PREFIX)) await iw.removeInterface(name);
      else {
        await iw.setUp(name, false);
        this.setDown.push(name);
      }
    }
  }

  private async make(name: string, kind: iw.InterfaceKind): Promise<void> {
    await iw.addInterface(this.o.radio, name, kind);
    this.made.push(name);
  }

  /** Mesh and access points on a frequency. */
  private async call(frequencyMhz: number): Promise<void> {
    const { directory, country, ownHash, hotspot, log, broken } = this.o;
    if (this.opened!.mesh) {
      await iw.setUp(this.names.mesh, true);
      await iw.joinMesh(this.names.mesh, frequencyMhz);
    }
    if (!this.opened!.accessPoint) return;
    const shared = { directory, country, frequencyMhz };
    const box = { interface: this.names.accessPoint, ssid: wifiSsid(ownHash), element: encodeWifiElement(ownHash) };
    this.accessPoints = [new AccessPoint({ ...shared, ...box, isolated: false }, log, broken)];
    if (hotspot !== undefined) {
      const { ssid, interface: name } = hotspot;
      const open = { ...shared, ssid, interface: name, element: undefined, isolated: true };
      this.accessPoints.push(new AccessPoint(open, log, broken));
    }
    for (const accessPoint of this.accessPoints) await accessPoint.start();
  }
}
