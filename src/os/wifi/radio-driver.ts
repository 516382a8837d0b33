/**
 * One radio at work: makes its interfaces, keeps what runs on them running, and carries out what the policy decides
 * (src/radio/radio-policy.ts), one step after another.
 *
 *   off ──▶ starting ──▶ up            an access point or mesh that breaks: everything is taken down and made anew after 1 s, doubling to a minute;
 *            ▲            │            a station that breaks is the policy's business and costs nobody else anything
 *            └── broken ◀─┘
 *
 * Interfaces are `sky-mesh0`, `sky-ap0`, `sky-sta0-1` and `sky-hot0`, with random addresses, anew at every start. What the radio had before is set down
 * meanwhile. Once in 5 s the members of the mesh are counted, and it is looked whether the interfaces are still there.
 */
import { existsSync } from 'node:fs';
import type { Log } from '../../base/env.ts';
import { Failure } from '../../base/failure.ts';
import type { RadioMode } from '../../control/config-schema.ts';
import { inOrderOfPreference, planRadio, type RadioPlan } from '../../radio/plan.ts';
import type { HeardBox } from '../../radio/radio.ts';
import { type RadioCommand, RadioPolicy } from '../../radio/radio-policy.ts';
import { encodeWifiElement, wifiSsid } from '../../wire/wifi-element.ts';
import { AccessPoint } from './access-point.ts';
import * as iw from './iw.ts';
import { Station } from './station.ts';

const FIRST_RESTART_MS = 1_000;
const LAST_RESTART_MS = 60_000;
const HEALTHY_AFTER_MS = 60_000;
const LOOK_EVERY_MS = 5_000;
/** A driver refuses a scan now and then; one that refuses so many in a row is broken. */
const MOST_FAILED_SCANS = 5;

export interface RadioDriverOptions {
  /** `phy0`. */
  readonly radio: string;
  /** In the names of its interfaces. */
  readonly number: number;
  /** For configurations. */
  readonly directory: string;
  readonly country: string;
  readonly mode: RadioMode;
  /** Undefined: chosen. MHz. */
  readonly frequencyMhz: number | undefined;
  /** Address hash of this node. */
  readonly ownHash: Uint8Array;
  readonly isLinked: (hash: Uint8Array) => boolean;
  readonly isCallRunning: () => boolean;
  /** An open network for anybody; undefined: none on this radio. */
  readonly hotspot: { readonly ssid: string; readonly interface: string; made(): Promise<void> } | undefined;
  readonly log: Log;
}

export interface RadioReport {
  readonly radio: string;
  readonly state: 'starting' | 'up';
  readonly plan: RadioPlan | undefined;
  readonly frequencyMhz: number | undefined;
  /** SSIDs of the access points that its stations are in. */
  readonly joined: readonly string[];
  readonly meshMembers: number;
  readonly hasHotspot: boolean;
  /** Why it does not work, or did not when it last tried. */
  readonly problem: string | undefined;
}

interface Slot {
  readonly name: string;
  station: Station | undefined;
  ssid: string | undefined;
}

export class RadioDriver {
  private readonly o: RadioDriverOptions;
  private readonly names: { readonly mesh: string; readonly accessPoint: string };
  private life: Promise<void> | undefined;
  private stopping = false;
  private plan: RadioPlan | undefined;
  private policy: RadioPolicy | undefined;
  private accessPoints: AccessPoint[] = [];
  private slots: Slot[] = [];
  private made: string[] = [];
  /** Interfaces of others that were set down. */
  private readonly setDown = new Set<string>();
  private members = 0;
  private failedScans = 0;
  private problem: string | undefined;
  /** What happened since the last step; an event that throws breaks the radio. */
  private events: (() => void)[] = [];
  private wakeUp: () => void = () => {};

  constructor(options: RadioDriverOptions) {
    this.o = options;
    this.names = { mesh: `sky-mesh${options.number}`, accessPoint: `sky-ap${options.number}` };
  }

  start(): void {
    this.life = this.live();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.wakeUp();
    await this.life;
    for (const name of this.setDown) await attempt(iw.setUp(name, true));
  }

  report(): RadioReport {
    const { policy, plan, members, problem } = this;
    return {
      radio: this.o.radio,
      state: policy === undefined ? 'starting' : 'up',
      plan,
      frequencyMhz: policy?.frequencyMhz,
      joined: this.slots.flatMap(({ ssid }) => ssid ?? []),
      meshMembers: members,
      hasHotspot: policy !== undefined && this.o.hotspot !== undefined && plan?.accessPoint === true,
      problem,
    };
  }

  private async live(): Promise<void> {
    let restartMs = FIRST_RESTART_MS;
    while (!this.stopping) {
      const startedAt = performance.now();
      try {
        await this.setUp();
        this.problem = undefined;
        await this.work();
      } catch (error) {
        this.problem = error instanceof Failure ? `${error.message}. ${error.remedy}` : String(error);
        this.o.log.write('warn', 'wifi-broken', { radio: this.o.radio, reason: this.problem, restartMs });
      }
      await this.tearDown();
      if (performance.now() - startedAt > HEALTHY_AFTER_MS) restartMs = FIRST_RESTART_MS;
      await this.pause(restartMs);
      restartMs = Math.min(2 * restartMs, LAST_RESTART_MS);
    }
  }

  private async setUp(): Promise<void> {
    const { radio, mode, frequencyMhz: pinnedMhz, ownHash, isLinked, isCallRunning, log } = this.o;
    const can = await iw.capabilitiesOf(radio);
    const plan = planRadio(can, mode);
    if (plan === undefined) throw unfit(radio, mode);
    if (pinnedMhz !== undefined && !can.frequenciesMhz.includes(pinnedMhz)) throw forbidden(radio, pinnedMhz);
    this.plan = plan;
    await this.clear();
    const frequenciesMhz = inOrderOfPreference(can.frequenciesMhz);
    const policy = new RadioPolicy({ ownHash, plan, frequenciesMhz, pinnedMhz, isLinked, isCallRunning });
    if (plan.mesh) await this.make(this.names.mesh, 'mesh');
    if (plan.accessPoint) await this.make(this.names.accessPoint, 'access-point');
    if (plan.accessPoint && this.o.hotspot !== undefined) {
      await this.make(this.o.hotspot.interface, 'access-point');
      await this.o.hotspot.made();
    }
    for (let number = 1; number <= plan.stations; number++) {
      const name = `sky-sta${this.o.number}-${number}`;
      await this.make(name, 'station');
      this.slots.push({ name, station: undefined, ssid: undefined });
    }
    await this.call(policy.frequencyMhz);
    for (const { name } of this.slots) await iw.setUp(name, true);
    this.policy = policy;
    log.write('info', 'wifi', { radio, frequencyMhz: policy.frequencyMhz, interfaces: this.made.join(' ') });
  }

  /** What an earlier start left behind goes; what others have on the radio would hold its frequency. */
  private async clear(): Promise<void> {
    for (const name of await iw.interfacesOf(this.o.radio)) {
      if (name.startsWith('sky-')) await iw.removeInterface(name);
      else {
        await iw.setUp(name, false);
        this.setDown.add(name);
      }
    }
  }

  private async make(name: string, kind: iw.InterfaceKind): Promise<void> {
    await iw.addInterface(this.o.radio, name, kind);
    this.made.push(name);
  }

  /** Mesh and access points on a frequency. */
  private async call(frequencyMhz: number): Promise<void> {
    const { directory, country, ownHash, hotspot, log } = this.o;
    if (this.plan!.mesh) {
      await iw.setUp(this.names.mesh, true);
      await iw.joinMesh(this.names.mesh, frequencyMhz);
    }
    if (!this.plan!.accessPoint) return;
    const broken = (reason: string): void =>
      this.post(() => {
        throw new Failure('system-tool', reason, 'It is started again');
      });
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

  private async work(): Promise<void> {
    const policy = this.policy!;
    policy.start(performance.now());
    let lookAt = 0;
    while (!this.stopping) {
      for (const event of this.events.splice(0)) event();
      if (performance.now() >= lookAt) {
        await this.look(policy);
        lookAt = performance.now() + LOOK_EVERY_MS;
      }
      policy.wake(performance.now());
      for (const command of policy.drain()) await this.carryOut(command, policy);
      await this.pause(Math.min(lookAt, policy.nextWakeAt()) - performance.now());
    }
  }

  private async look(policy: RadioPolicy): Promise<void> {
    const gone = this.made.find((name) => !existsSync(`/sys/class/net/${name}`));
    if (gone !== undefined) throw new Failure('system-tool', `the interface ${gone} is gone`, 'It is made anew');
    if (!this.plan!.mesh) return;
    this.members = await iw.meshMembers(this.names.mesh);
    policy.meshHas(this.members, performance.now());
  }

  private async carryOut(command: RadioCommand, policy: RadioPolicy): Promise<void> {
    if (command.kind === 'scan') {
      const boxes = await this.scan(command.frequenciesMhz);
      policy.scanned(boxes, performance.now());
    } else if (command.kind === 'join') this.join(command.station, command.box, policy);
    else if (command.kind === 'leave') await this.leave(command.station);
    else {
      this.o.log.write('info', 'wifi-moves', { radio: this.o.radio, frequencyMhz: command.frequencyMhz });
      for (const accessPoint of this.accessPoints) await accessPoint.stop();
      if (this.plan!.mesh) await iw.leaveMesh(this.names.mesh);
      await this.call(command.frequencyMhz);
      policy.moved(performance.now());
    }
  }

  private async scan(frequenciesMhz: readonly number[]): Promise<HeardBox[]> {
    const name = this.plan!.mesh ? this.names.mesh : this.slots[0].name;
    try {
      const boxes = await iw.scan(name, frequenciesMhz);
      this.failedScans = 0;
      return boxes;
    } catch (error) {
      this.failedScans += 1;
      if (this.failedScans >= MOST_FAILED_SCANS) throw error;
      return [];
    }
  }

  /** Goes on in the background: its end is an event. */
  private join(index: number, box: HeardBox, policy: RadioPolicy): void {
    const slot = this.slots[index];
    const { directory, radio, log } = this.o;
    const post = (event: () => void): void => this.post(() => slot.station === station && event());
    const left = (reason: string): void => {
      log.write('info', 'wifi-left', { radio, ssid: box.ssid, reason });
      post(() => policy.lost(index, performance.now()));
    };
    const station = new Station(directory, slot.name, log, left);
    slot.station = station;
    station.join(box).then(
      () => {
        log.write('info', 'wifi-joined', { radio, ssid: box.ssid, signalDbm: box.signalDbm });
        post(() => {
          slot.ssid = box.ssid;
          policy.joined(index, performance.now());
        });
      },
      (error: Error) => left(error.message),
    );
  }

  private async leave(index: number): Promise<void> {
    const slot = this.slots[index];
    const { station } = slot;
    slot.station = undefined;
    slot.ssid = undefined;
    await station?.leave();
  }

  private async tearDown(): Promise<void> {
    this.policy = undefined;
    for (const { station } of this.slots) await station?.leave();
    for (const accessPoint of this.accessPoints) await accessPoint.stop();
    for (const name of this.made.reverse()) await attempt(iw.removeInterface(name));
    this.slots = [];
    this.accessPoints = [];
    this.made = [];
    this.events = [];
    this.members = 0;
    this.failedScans = 0;
  }

  private post(event: () => void): void {
    this.events.push(event);
    this.wakeUp();
  }

  /** Until something happens, and at most so long. */
  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.stopping || this.events.length > 0 || ms <= 0) return resolve();
      const timer = setTimeout(resolve, Math.min(ms, LAST_RESTART_MS));
      this.wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** What is taken back may be gone already. */
async function attempt(step: Promise<void>): Promise<void> {
  try {
    await step;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
}

function unfit(radio: string, mode: RadioMode): Failure {
  const wanted = mode === 'auto' ? 'neither a mesh point nor an access point' : `no ${mode}`;
  return new Failure(
    'system-tool',
    `${radio} can be ${wanted}, or may send nowhere`,
    `See what it can with: iw phy ${radio} info; and whether [wifi] country is right`,
  );
}

function forbidden(radio: string, frequencyMhz: number): Failure {
  return new Failure(
    'config-invalid',
    `${radio} may not open a network on ${frequencyMhz} MHz`,
    'Choose another [wifi] channel, or leave it out',
  );
}
