/**
 * A street of boxes with one radio each, in virtual time: scans hear whoever is in range and on a frequency that is looked at, joins take a moment,
 * and a joined box has a link a little later. What the policies command is carried out as `os/wifi` would.
 */
import { equal, toHex } from '../../../src/base/bytes.ts';
import type { RadioPlan } from '../../../src/radio/plan.ts';
import type { HeardBox } from '../../../src/radio/radio.ts';
import { type RadioCommand, RadioPolicy } from '../../../src/radio/radio-policy.ts';

const SCAN_MS_PER_FREQUENCY = 50;
const JOIN_MS = 700;
const LINK_MS = 1_500;
const MOVE_MS = 1_000;

export const ACCESS_POINT: RadioPlan = { mesh: false, accessPoint: true, stations: 2 };

export function hashOf(number: number): Uint8Array {
  return new Uint8Array(20).fill(number);
}

export interface BoxOptions {
  readonly frequenciesMhz?: readonly number[];
  readonly pinnedMhz?: number;
  readonly plan?: RadioPlan;
}

export class WorldBox {
  readonly hash: Uint8Array;
  readonly policy: RadioPolicy;
  /** Whether it is a network that others hear. */
  readonly isHeard: boolean;
  readonly commands: { readonly at: number; readonly command: RadioCommand }[] = [];
  isCall = false;
  /** Others whose access points it is in, by station. */
  readonly joined = new Map<number, WorldBox>();
  private readonly world: RadioWorld;

  constructor(world: RadioWorld, number: number, options: BoxOptions) {
    this.world = world;
    this.hash = hashOf(number);
    const plan = options.plan ?? ACCESS_POINT;
    this.isHeard = plan.mesh || plan.accessPoint;
    this.policy = new RadioPolicy({
      ownHash: this.hash,
      plan,
      frequenciesMhz: options.frequenciesMhz ?? [2437, 2412, 2462, 5180, 5200],
      pinnedMhz: options.pinnedMhz,
      isLinked: (hash) => world.boxes.some((box) => equal(box.hash, hash) && world.areLinked(this, box)),
      isCallRunning: () => this.isCall,
    });
  }

  get asHeard(): HeardBox {
    const bssid = toHex(this.hash.subarray(0, 6)).replace(/..(?!$)/g, '$&:');
    return { hash: this.hash, ssid: 'skywire', bssid, frequencyMhz: this.policy.frequencyMhz, signalDbm: -50 };
  }

  /** Whom it could reach now. */
  inRange(): WorldBox[] {
    return this.world.boxes.filter((box) => box !== this && this.world.hears(this, box));
  }
}

export class RadioWorld {
  readonly boxes: WorldBox[] = [];
  now = 0;
  private readonly events: { at: number; action: () => void }[] = [];
  private readonly links = new Set<string>();
  private readonly inRange: (a: number, b: number) => boolean;

  constructor(options: readonly BoxOptions[], inRange: (a: number, b: number) => boolean = () => true) {
    this.inRange = inRange;
    for (const [index, each] of options.entries()) this.boxes.push(new WorldBox(this, index + 1, each));
  }

  hears(a: WorldBox, b: WorldBox): boolean {
    return this.inRange(this.boxes.indexOf(a), this.boxes.indexOf(b));
  }

  areLinked(a: WorldBox, b: WorldBox): boolean {
    return this.links.has(this.nameOf(a, b));
  }

  after(ms: number, action: () => void): void {
    this.events.push({ at: this.now + ms, action });
  }

  /** The access point is gone for as long as nobody says otherwise: its stations are out. */
  drop(box: WorldBox): void {
    for (const other of this.boxes) {
      for (const [station, joined] of other.joined) if (joined === box) this.leave(other, station, true);
    }
  }

  runUntil(end: number): void {
    for (;;) {
      for (const box of this.boxes) this.carryOut(box);
      const eventAt = Math.min(...this.events.map(({ at }) => at));
      const at = Math.min(eventAt, ...this.boxes.map(({ policy }) => policy.nextWakeAt()));
      if (at > end) break;
      this.now = Math.max(this.now, at);
      for (const event of this.events.filter((each) => each.at <= this.now)) {
        this.events.splice(this.events.indexOf(event), 1);
        event.action();
      }
      for (const { policy } of this.boxes) policy.wake(this.now);
    }
    this.now = end;
  }

  private carryOut(box: WorldBox): void {
    for (const command of box.policy.drain()) {
      box.commands.push({ at: this.now, command });
      if (command.kind === 'scan') {
        this.after(command.frequenciesMhz.length * SCAN_MS_PER_FREQUENCY, () => {
          const heard = box
            .inRange()
            .filter((other) => other.isHeard && command.frequenciesMhz.includes(other.policy.frequencyMhz));
          box.policy.scanned(
            heard.map(({ asHeard }) => asHeard),
            this.now,
          );
        });
      } else if (command.kind === 'move') this.after(MOVE_MS, () => box.policy.moved(this.now));
      else if (command.kind === 'leave') this.leave(box, command.station, false);
      else this.after(JOIN_MS, () => this.join(box, command.station, command.box));
    }
  }

  private join(box: WorldBox, station: number, target: HeardBox): void {
    const other = box.inRange().find(({ hash }) => equal(hash, target.hash!));
    if (other === undefined || other.policy.frequencyMhz !== box.policy.frequencyMhz) return;
    box.joined.set(station, other);
    box.policy.joined(station, this.now);
    this.after(LINK_MS, () => {
      if (box.joined.get(station) === other) this.links.add(this.nameOf(box, other));
    });
  }

  private leave(box: WorldBox, station: number, isLost: boolean): void {
    const other = box.joined.get(station);
    box.joined.delete(station);
    if (other !== undefined) this.links.delete(this.nameOf(box, other));
    if (isLost) box.policy.lost(station, this.now);
  }

  private nameOf(a: WorldBox, b: WorldBox): string {
    return [this.boxes.indexOf(a), this.boxes.indexOf(b)].sort().join();
  }
}
