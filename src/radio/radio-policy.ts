/**
 * What one radio does next: when it looks for boxes and where, which it joins, and when it changes its frequency. It decides only;
 * `os/wifi` carries the commands out, one after another, and tells what came of each.
 *
 * A radio looks (`scan`) while it has a use for what it may hear: a station that is free, or a mesh without members. A sweep goes over all
 * frequencies that it may use in small portions; once it has a neighbour it stays on its frequency and looks only there.
 *
 *   station   free ──join──▶ joining ──joined──▶ joined      back to free: lost, not joined in 10 s, no link within 30 s
 *
 * Two boxes that hear each other must not run after each other. Who is on the less preferred frequency moves, and where both are on the
 * same, the one with the greater address hash joins; the other does so only when nothing has come of it after 8 s.
 *
 * Timers: the next portion after 0.3 s; the next sweep after 3 s, doubling to 1 min, or 10 min with a neighbour, and 3 s again when a
 * station is lost; everything that looks is put off by 5 s while a call runs. A box that failed is left alone for 2 s, doubling to 10 min.
 */
import { assert } from '../base/assert.ts';
import { compare, equal, toHex } from '../base/bytes.ts';
import { NEVER } from '../base/env.ts';
import type { RadioPlan } from './plan.ts';
import type { HeardBox } from './radio.ts';
import { RADIO_TUNING, type RadioTuning } from './tuning.ts';

export type RadioCommand =
  | { readonly kind: 'scan'; readonly frequenciesMhz: readonly number[] }
  | { readonly kind: 'join'; readonly station: number; readonly box: HeardBox }
  | { readonly kind: 'leave'; readonly station: number }
  | { readonly kind: 'move'; readonly frequencyMhz: number };

export interface RadioPolicyOptions {
  /** Address hash of this node. */
  readonly ownHash: Uint8Array;
  readonly plan: RadioPlan;
  /** The most preferred first, and at least one. */
  readonly frequenciesMhz: readonly number[];
  /** The frequency that the owner chose: others come here, this radio goes nowhere. */
  readonly pinnedMhz: number | undefined;
  /** Whether there is a link with this node, over whatever it goes. */
  readonly isLinked: (hash: Uint8Array) => boolean;
  readonly isCallRunning: () => boolean;
  readonly tuning?: RadioTuning;
}

type Station =
  | { readonly state: 'free' }
  | { readonly state: 'joining'; readonly box: HeardBox; readonly until: number }
  | { readonly state: 'joined'; readonly box: HeardBox; readonly linkUntil: number };

interface Heard {
  readonly box: HeardBox;
  readonly firstAt: number;
  readonly lastAt: number;
}

interface Refusal {
  readonly until: number;
  readonly pauseMs: number;
}

const FREE: Station = { state: 'free' };

export class RadioPolicy {
  private readonly o: RadioPolicyOptions;
  private readonly tuning: RadioTuning;
  private frequency: number;
  private readonly stations: Station[];
  private meshMembers = 0;
  private readonly heard = new Map<string, Heard>();
  private readonly refused = new Map<string, Refusal>();
  /** What is under way in the system; nothing else is begun meanwhile. */
  private busy: 'scan' | 'move' | undefined;
  /** Frequencies of the sweep that are still to be looked at. */
  private sweep: number[] = [];
  private sweepFoundNew = false;
  private pauseMs: number;
  private scanAt = NEVER;
  private decideAt = NEVER;
  private commands: RadioCommand[] = [];

  constructor(options: RadioPolicyOptions) {
    assert(options.frequenciesMhz.length > 0, 'a frequency');
    this.o = options;
    this.tuning = options.tuning ?? RADIO_TUNING;
    this.frequency = options.pinnedMhz ?? options.frequenciesMhz[0];
    this.stations = Array.from({ length: options.plan.stations }, () => FREE);
    this.pauseMs = this.tuning.firstPauseMs;
  }

  /** Where the radio is to be, MHz. */
  get frequencyMhz(): number {
    return this.frequency;
  }

  /** Boxes in memory, for tests of the bound. */
  get heardCount(): number {
    return this.heard.size;
  }

  start(now: number): void {
    this.scanAt = now;
  }

  /** A scan ended; nothing heard when it failed. */
  scanned(boxes: readonly HeardBox[], now: number): void {
    this.busy = undefined;
    for (const box of boxes) this.hear(box, now);
    this.scanAt = this.sweep.length > 0 ? now + this.tuning.portionPauseMs : this.endOfSweep(now);
    this.decide(now);
  }

  moved(now: number): void {
    this.busy = undefined;
    this.decide(now);
  }

  /** How many the mesh on this radio has as direct neighbours now. */
  meshHas(members: number, now: number): void {
    const before = this.meshMembers;
    this.meshMembers = members;
    if (before > 0 && members === 0) this.lookAgain(now);
  }

  joined(station: number, now: number): void {
    const { state } = this.stations[station];
    if (state !== 'joining') return;
    const { box } = this.stations[station] as { box: HeardBox };
    this.stations[station] = { state: 'joined', box, linkUntil: now + this.tuning.linkMs };
    this.decide(now);
  }

  /** The access point is gone, or did not let the station in. */
  lost(station: number, now: number): void {
    if (this.stations[station].state === 'free') return;
    this.free(station, now);
    this.lookAgain(now);
    this.decide(now);
  }

  wake(now: number): void {
    if (this.busy !== undefined) return;
    if (now >= this.decideAt) this.decide(now);
    if (now >= this.scanAt && this.busy === undefined) this.scan(now);
  }

  nextWakeAt(): number {
    if (this.busy !== undefined) return NEVER;
    return Math.min(this.decideAt, this.hasUseForScans() ? this.scanAt : NEVER);
  }

  /** Commands in the order in which they are to be carried out. */
  drain(): RadioCommand[] {
    const { commands } = this;
    this.commands = [];
    return commands;
  }

  private scan(now: number): void {
    if (!this.hasUseForScans()) return;
    if (this.o.isCallRunning()) {
      this.scanAt = now + this.tuning.callPauseMs;
      return;
    }
    if (this.sweep.length === 0) {
      this.sweep = this.isSettled() ? [this.frequency] : [...this.o.frequenciesMhz];
      this.sweepFoundNew = false;
    }
    this.busy = 'scan';
    this.commands.push({ kind: 'scan', frequenciesMhz: this.sweep.splice(0, this.tuning.portion) });
  }

  private endOfSweep(now: number): number {
    const { firstPauseMs, longestAloneMs, longestSettledMs } = this.tuning;
    const at = now + this.pauseMs;
    const longest = this.isSettled() ? longestSettledMs : longestAloneMs;
    this.pauseMs = this.sweepFoundNew ? firstPauseMs : Math.min(2 * this.pauseMs, longest);
    return at;
  }

  private lookAgain(now: number): void {
    this.pauseMs = this.tuning.firstPauseMs;
    this.sweep = [];
    this.scanAt = now;
  }

  private hear(box: HeardBox, now: number): void {
    const name = nameOf(box);
    const known = this.heard.get(name);
    if (known === undefined) {
      if (this.heard.size >= this.tuning.mostHeard) return;
      this.sweepFoundNew = true;
    }
    this.heard.set(name, { box, firstAt: known?.firstAt ?? now, lastAt: now });
  }

  /** Looks at every station and every box that was heard; names the time when it is to be done again. */
  private decide(now: number): void {
    this.decideAt = NEVER;
    for (const [name, { lastAt }] of this.heard) {
      if (now - lastAt >= this.tuning.heardLifeMs) this.heard.delete(name);
    }
    for (const station of this.stations.keys()) this.mind(station, now);
    if (this.busy !== undefined || this.stations.some(({ state }) => state === 'joining')) return;
    const [next] = this.candidates(now);
    if (next === undefined) return;
    if (next.frequencyMhz !== this.frequency) {
      this.busy = 'move';
      this.frequency = next.frequencyMhz;
      this.sweep = [];
      this.commands.push({ kind: 'move', frequencyMhz: next.frequencyMhz });
      return;
    }
    const station = this.stations.findIndex(({ state }) => state === 'free');
    this.stations[station] = { state: 'joining', box: next, until: now + this.tuning.joinMs };
    this.decideLater(now + this.tuning.joinMs);
    this.commands.push({ kind: 'join', station, box: next });
  }

  /** Gives up on what does not come to anything. */
  private mind(station: number, now: number): void {
    const used = this.stations[station];
    if (used.state === 'free') return;
    if (used.state === 'joined' && this.isLinked(used.box)) {
      this.refused.delete(nameOf(used.box));
      this.stations[station] = { ...used, linkUntil: now + this.tuning.linkMs };
      return this.decideLater(now + this.tuning.linkMs);
    }
    const until = used.state === 'joining' ? used.until : used.linkUntil;
    if (now < until) return this.decideLater(until);
    this.free(station, now);
    this.lookAgain(now);
  }

  private free(station: number, now: number): void {
    const used = this.stations[station];
    if (used.state === 'free') return;
    this.refuse(used.box, now);
    this.stations[station] = FREE;
    this.commands.push({ kind: 'leave', station });
  }

  private refuse(box: HeardBox, now: number): void {
    const name = nameOf(box);
    const { firstRefusalMs, longestRefusalMs, mostHeard } = this.tuning;
    const before = this.refused.get(name)?.pauseMs;
    const pauseMs = before === undefined ? firstRefusalMs : Math.min(2 * before, longestRefusalMs);
    // Put last, so that the first one is the oldest.
    this.refused.delete(name);
    if (this.refused.size >= mostHeard) this.refused.delete(this.refused.keys().next().value!);
    this.refused.set(name, { until: now + pauseMs, pauseMs });
  }

  /** Boxes to go to now, the loudest first, those on this frequency before others. */
  private candidates(now: number): HeardBox[] {
    const settled = this.isSettled();
    const found: HeardBox[] = [];
    for (const { box, firstAt } of this.heard.values()) {
      const isHere = box.frequencyMhz === this.frequency;
      if (!isHere && (settled || this.o.pinnedMhz !== undefined)) continue;
      if (!this.isWanted(box, isHere, now)) continue;
      const at = this.isOursToGo(box) ? firstAt : firstAt + this.tuning.letOthersMs;
      if (now < at) this.decideLater(at);
      else found.push(box);
    }
    const isElsewhere = (box: HeardBox): number => (box.frequencyMhz === this.frequency ? 0 : 1);
    return found.sort((a, b) => isElsewhere(a) - isElsewhere(b) || b.signalDbm - a.signalDbm);
  }

  private isWanted(box: HeardBox, isHere: boolean, now: number): boolean {
    if (!this.o.frequenciesMhz.includes(box.frequencyMhz)) return false;
    if (box.hash === undefined) return this.o.plan.mesh && !isHere;
    // Another radio of this box.
    if (equal(box.hash, this.o.ownHash)) return false;
    if (this.isLinked(box) || !this.stations.some(({ state }) => state === 'free')) return false;
    const refusal = this.refused.get(nameOf(box));
    if (refusal !== undefined && now < refusal.until) {
      this.decideLater(refusal.until);
      return false;
    }
    return !this.stations.some((used) => used.state !== 'free' && nameOf(used.box) === nameOf(box));
  }

  /** Whether this box goes to the other, and not the other way round. */
  private isOursToGo(box: HeardBox): boolean {
    const { frequenciesMhz, ownHash, plan } = this.o;
    // Nobody can come here.
    if (!plan.mesh && !plan.accessPoint) return true;
    const ahead = frequenciesMhz.indexOf(this.frequency) - frequenciesMhz.indexOf(box.frequencyMhz);
    if (ahead !== 0 || box.hash === undefined) return ahead > 0;
    return compare(ownHash, box.hash) > 0;
  }

  /** It has a neighbour on this radio, and must stay where it is. */
  private isSettled(): boolean {
    if (this.meshMembers > 0 || this.stations.some(({ state }) => state !== 'free')) return true;
    for (const { box } of this.heard.values()) {
      if (box.frequencyMhz === this.frequency && this.isLinked(box)) return true;
    }
    return false;
  }

  private hasUseForScans(): boolean {
    if (this.stations.some(({ state }) => state === 'joining')) return false;
    if (this.o.plan.mesh) return this.meshMembers === 0 && this.o.pinnedMhz === undefined;
    return this.stations.some(({ state }) => state === 'free');
  }

  private isLinked(box: HeardBox): boolean {
    return box.hash !== undefined && this.o.isLinked(box.hash);
  }

  private decideLater(at: number): void {
    this.decideAt = Math.min(this.decideAt, at);
  }
}

function nameOf(box: HeardBox): string {
  return box.hash === undefined ? box.bssid : toHex(box.hash);
}
