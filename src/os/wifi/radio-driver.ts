/**
 * One radio at work: opens it through whoever has it (back-end.ts), keeps it open, and carries out what the policy decides
 * (src/radio/radio-policy.ts), one step after another.
 *
 *   off ──▶ starting ──▶ up            an access point or mesh that breaks: everything is taken down and made anew after 1 s, doubling to a minute;
 *            ▲            │            a station that breaks is the policy's business and costs nobody else anything
 *            └── broken ◀─┘
 *
 * Who has the radio, NetworkManager or nobody, is looked at anew at every start. Once in 5 s the members of the mesh are counted, and it is looked
 * whether what was opened is still there.
 */
import { Failure } from '../../base/failure.ts';
import type { RadioMode } from '../../control/config-schema.ts';
import { inOrderOfPreference, type RadioPlan } from '../../radio/plan.ts';
import type { HeardBox } from '../../radio/radio.ts';
import { type RadioCommand, RadioPolicy } from '../../radio/radio-policy.ts';
import type { RadioBackEnd, Station } from './back-end.ts';
import { capabilitiesOf, interfacesOf } from './iw.ts';
import { ManagedRadio } from './managed-radio.ts';
import { managedDevices } from './nmcli.ts';
import { OWN_PREFIX, OwnRadio, type OwnRadioOptions } from './own-radio.ts';

const FIRST_RESTART_MS = 1_000;
const LAST_RESTART_MS = 60_000;
const HEALTHY_AFTER_MS = 60_000;
const LOOK_EVERY_MS = 5_000;
/** Then a mesh does without the access point beside it, which not every driver can that says so. */
const MOST_FAILED_STARTS = 3;
/** A driver refuses a scan now and then; one that refuses so many in a row is broken. */
const MOST_FAILED_SCANS = 5;

export interface RadioDriverOptions extends Omit<OwnRadioOptions, 'broken'> {
  readonly mode: RadioMode;
  /** Undefined: chosen. MHz. */
  readonly frequencyMhz: number | undefined;
  readonly isLinked: (hash: Uint8Array) => boolean;
  readonly isCallRunning: () => boolean;
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
  private life: Promise<void> | undefined;
  private stopping = false;
  private plan: RadioPlan | undefined;
  private policy: RadioPolicy | undefined;
  private backEnd: RadioBackEnd | undefined;
  private slots: Slot[] = [];
  private members = 0;
  private failedScans = 0;
  /** In a row. */
  private failedStarts = 0;
  private problem: string | undefined;
  /** What happened since the last step; an event that throws breaks the radio. */
  private events: (() => void)[] = [];
  private wakeUp: () => void = () => {};

  constructor(options: RadioDriverOptions) {
    this.o = options;
  }

  start(): void {
    this.life = this.live();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.wakeUp();
    await this.life;
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
        this.failedStarts += 1;
        await this.setUp();
        this.failedStarts = 0;
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
    const can = await capabilitiesOf(radio);
    const backEnd = await this.chooseBackEnd();
    const wanted = backEnd.plan(can, mode);
    if (wanted === undefined) throw unfit(radio, mode);
    const plan = wanted.mesh && this.failedStarts > MOST_FAILED_STARTS ? { ...wanted, accessPoint: false } : wanted;
    if (pinnedMhz !== undefined && !can.frequenciesMhz.includes(pinnedMhz)) throw forbidden(radio, pinnedMhz);
    this.plan = plan;
    const frequenciesMhz = inOrderOfPreference(can.frequenciesMhz);
    const policy = new RadioPolicy({ ownHash, plan, frequenciesMhz, pinnedMhz, isLinked, isCallRunning });
    this.backEnd = backEnd;
    const stations = await backEnd.open(plan, policy.frequencyMhz);
    this.slots = stations.map((name) => ({ name, station: undefined, ssid: undefined }));
    this.policy = policy;
    log.write('info', 'wifi', { radio, frequencyMhz: policy.frequencyMhz, ...plan });
  }

  private async chooseBackEnd(): Promise<RadioBackEnd> {
    // One of our own, left behind by an earlier start, is nobody's.
    const interfaces = (await interfacesOf(this.o.radio)).filter((name) => !name.startsWith(OWN_PREFIX));
    const managed = (await managedDevices()).find(({ name }) => interfaces.includes(name));
    if (managed !== undefined) return new ManagedRadio(managed.name);
    const broken = (reason: string): void =>
      this.post(() => {
        throw new Failure('system-tool', reason, 'It is started again');
      });
    return new OwnRadio({ ...this.o, broken });
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
    this.members = await this.backEnd!.look();
    if (this.plan!.mesh) policy.meshHas(this.members, performance.now());
  }

  private async carryOut(command: RadioCommand, policy: RadioPolicy): Promise<void> {
    if (command.kind === 'scan') {
      const boxes = await this.scan(command.frequenciesMhz);
      policy.scanned(boxes, performance.now());
    } else if (command.kind === 'join') this.join(command.station, command.box, policy);
    else if (command.kind === 'leave') await this.leave(command.station);
    else {
      this.o.log.write('info', 'wifi-moves', { radio: this.o.radio, frequencyMhz: command.frequencyMhz });
      await this.backEnd!.move(command.frequencyMhz);
      policy.moved(performance.now());
    }
  }

  private async scan(frequenciesMhz: readonly number[]): Promise<HeardBox[]> {
    try {
      const boxes = await this.backEnd!.scan(frequenciesMhz);
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
    const { radio, log } = this.o;
    const post = (event: () => void): void => this.post(() => slot.station === station && event());
    const left = (reason: string): void => {
      log.write('info', 'wifi-left', { radio, ssid: box.ssid, reason });
      post(() => policy.lost(index, performance.now()));
    };
    const station = this.backEnd!.station(slot.name, left);
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

  /** It counts as joined until the rules that guard it are gone as well. */
  private async leave(index: number): Promise<void> {
    const slot = this.slots[index];
    const { station } = slot;
    slot.station = undefined;
    await station?.leave();
    slot.ssid = undefined;
  }

  private async tearDown(): Promise<void> {
    this.policy = undefined;
    for (const { station } of this.slots) await station?.leave();
    await this.backEnd?.close();
    this.backEnd = undefined;
    this.slots = [];
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

function unfit(radio: string, mode: RadioMode): Failure {
  const wanted = mode === 'auto' ? 'neither a mesh point nor an access point' : `no ${mode}`;
  return new Failure(
    'system-tool',
    `${radio} can be ${wanted}, or may send nowhere`,
    `See what it can with: iw phy ${radio} info; whether [wifi] country is right; and whether NetworkManager has it: nmcli device`,
  );
}

function forbidden(radio: string, frequencyMhz: number): Failure {
  return new Failure(
    'config-invalid',
    `${radio} may not open a network on ${frequencyMhz} MHz`,
    'Choose another [wifi] channel, or leave it out',
  );
}
