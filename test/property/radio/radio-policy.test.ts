/** Whatever happens in the air and in the system, in whatever order: what the policy commands can be carried out, and it never runs hot. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HeardBox } from '../../../src/radio/radio.ts';
import { RadioPolicy } from '../../../src/radio/radio-policy.ts';
import { RADIO_TUNING } from '../../../src/radio/tuning.ts';
import { hashOf, RadioWorld } from '../../unit/radio/radio-world.ts';

const FREQUENCIES = [2437, 2412, 2462, 5180, 5200, 5220];
const OWN = hashOf(5);

const heardBox: fc.Arbitrary<HeardBox> = fc
  .record({
    number: fc.integer({ min: 1, max: 9 }),
    mesh: fc.boolean(),
    frequencyMhz: fc.constantFrom(...FREQUENCIES, 5500),
    signalDbm: fc.integer({ min: -95, max: -20 }),
  })
  .map(({ number, mesh, frequencyMhz, signalDbm }) => ({
    hash: mesh ? undefined : hashOf(number),
    ssid: `skywire-${number}`,
    bssid: `02:00:00:00:00:0${number}`,
    frequencyMhz,
    signalDbm,
  }));

type Step =
  | { kind: 'time'; ms: number }
  | { kind: 'air'; boxes: HeardBox[] }
  | { kind: 'answer'; good: boolean }
  | { kind: 'lost'; station: number }
  | { kind: 'members'; count: number }
  | { kind: 'linked'; number: number; up: boolean }
  | { kind: 'call'; on: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 0, max: 40_000 }) }),
  fc.record({ kind: fc.constant('air' as const), boxes: fc.array(heardBox, { maxLength: 6 }) }),
  fc.record({ kind: fc.constant('answer' as const), good: fc.boolean() }),
  fc.record({ kind: fc.constant('lost' as const), station: fc.integer({ min: 0, max: 1 }) }),
  fc.record({ kind: fc.constant('members' as const), count: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ kind: fc.constant('linked' as const), number: fc.integer({ min: 1, max: 9 }), up: fc.boolean() }),
  fc.record({ kind: fc.constant('call' as const), on: fc.boolean() }),
);

/** Carries commands out in their order and checks each against what stands. */
class Bench {
  now = 0;
  air: HeardBox[] = [];
  readonly linked = new Set<number>();
  isCall = false;
  readonly policy: RadioPolicy;
  readonly stations: number;
  private readonly used = new Map<number, HeardBox>();
  private pending: 'scan' | 'move' | undefined;
  private frequency: number;

  constructor(plan: { mesh: boolean; stations: number }) {
    this.stations = plan.stations;
    this.policy = new RadioPolicy({
      ownHash: OWN,
      plan: { ...plan, accessPoint: true },
      frequenciesMhz: FREQUENCIES,
      pinnedMhz: undefined,
      isLinked: (hash) => this.linked.has(hash[0]),
      isCallRunning: () => this.isCall,
    });
    this.frequency = this.policy.frequencyMhz;
    this.policy.start(0);
  }

  take(each: Step): void {
    if (each.kind === 'time') this.runFor(each.ms);
    else if (each.kind === 'air') this.air = each.boxes;
    else if (each.kind === 'answer') this.answer(each.good);
    else if (each.kind === 'lost' && each.station < this.stations) this.lose(each.station);
    else if (each.kind === 'members') this.policy.meshHas(each.count, this.now);
    else if (each.kind === 'linked') this.linked[each.up ? 'add' : 'delete'](each.number);
    else if (each.kind === 'call') this.isCall = each.on;
    this.check();
  }

  private runFor(ms: number): void {
    const end = this.now + ms;
    for (let turns = 0; this.policy.nextWakeAt() <= end; turns++) {
      // A timer that is due again and again at one time would run hot.
      expect(turns).toBeLessThan(200);
      this.now = Math.max(this.now, this.policy.nextWakeAt());
      this.policy.wake(this.now);
      this.check();
      if (this.pending !== undefined) this.answer(true);
    }
    this.now = end;
  }

  private answer(good: boolean): void {
    const { pending } = this;
    this.pending = undefined;
    if (pending === 'scan') this.policy.scanned(good ? this.air : [], this.now);
    else if (pending === 'move') this.policy.moved(this.now);
    else for (const station of this.used.keys()) good ? this.policy.joined(station, this.now) : this.lose(station);
    this.check();
  }

  private lose(station: number): void {
    this.policy.lost(station, this.now);
    this.check();
  }

  private check(): void {
    for (const command of this.policy.drain()) {
      // One thing at a time, but a station may be let go meanwhile.
      if (command.kind !== 'leave') expect(this.pending).toBeUndefined();
      if (command.kind === 'scan') {
        expect(this.isCall).toBe(false);
        expect(command.frequenciesMhz.length).toBeGreaterThan(0);
        expect(command.frequenciesMhz.length).toBeLessThanOrEqual(RADIO_TUNING.portion);
        expect(FREQUENCIES).toEqual(expect.arrayContaining([...command.frequenciesMhz]));
        this.pending = 'scan';
      } else if (command.kind === 'move') {
        expect(FREQUENCIES).toContain(command.frequencyMhz);
        expect(this.used.size).toBe(0);
        this.frequency = command.frequencyMhz;
        this.pending = 'move';
      } else if (command.kind === 'leave') {
        expect(this.used.delete(command.station)).toBe(true);
      } else {
        expect(command.station).toBeGreaterThanOrEqual(0);
        expect(command.station).toBeLessThan(this.stations);
        expect(this.used.has(command.station)).toBe(false);
        expect(command.box.frequencyMhz).toBe(this.frequency);
        expect(command.box.hash).not.toEqual(OWN);
        expect([...this.used.values()].map(({ hash }) => hash)).not.toContainEqual(command.box.hash);
        this.used.set(command.station, command.box);
      }
    }
  }
}

test('every command can be carried out, and no timer runs hot', () => {
  const plans = fc.constantFrom(
    { mesh: true, stations: 0 },
    { mesh: false, stations: 1 },
    { mesh: false, stations: 2 },
  );
  fc.assert(
    fc.property(plans, fc.array(step, { maxLength: 80 }), (plan, steps) => {
      const bench = new Bench(plan);
      for (const each of steps) bench.take(each);
    }),
    { numRuns: 400 },
  );
});

test('boxes in a row are all linked in the end, whatever their names and preferences', () => {
  const preference = fc.constantFrom([2437, 2412, 5180], [2437, 2412], [2437, 5180]);
  fc.assert(
    fc.property(
      fc.array(fc.record({ frequenciesMhz: preference, startMs: fc.integer({ min: 0, max: 60_000 }) }), {
        minLength: 2,
        maxLength: 6,
      }),
      (boxes) => {
        const world = new RadioWorld(boxes, (a, b) => Math.abs(a - b) === 1);
        for (const [index, { policy }] of world.boxes.entries()) {
          world.after(boxes[index].startMs, () => policy.start(world.now));
        }
        world.runUntil(600_000);
        for (let index = 1; index < boxes.length; index++) {
          expect(world.areLinked(world.boxes[index - 1], world.boxes[index])).toBe(true);
        }
      },
    ),
    { numRuns: 60 },
  );
});
