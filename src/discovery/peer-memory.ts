/**
 * Neighbours that nobody configured and whose link has worked, kept over restarts: where each was, when it was last good, and how long
 * it was in all.
 *
 * Whoever may come can't push out who is good: a place is given to one whose link was up for 10 s, and when all 64 are taken, the one
 * that was up for the shortest time gives way, unless it is up now, and only to one that was up for longer.
 *
 * Timer: every 10 s while somebody is up, times are added. A changed name or place is written then, but no more than once a minute in the
 * long run; a time once an hour.
 *
 * A line: key in hex, place as the system writes it, Unix seconds when it was last good, seconds up in all. No secrets.
 */
import { fromHex, toHex } from '../base/bytes.ts';
import { NEVER } from '../base/env.ts';
import type { KeyText, NodeKey } from '../base/ids.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import type { PeerStore, PlacePort } from './ports.ts';
import type { DiscoveryTuning } from './tuning.ts';

const MS_PER_SECOND = 1_000;
const SECONDS_PER_MINUTE = 60;
const DAY_S = 86_400;
const LINE = /^(0[23][0-9a-f]{64}) (\S{1,80}) (\d{1,12}) (\d{1,12})$/;

export interface PeerMemoryOptions {
  readonly store: PeerStore;
  readonly places: PlacePort;
  /** Where a neighbour is heard now. */
  readonly endpointOf: (key: NodeKey) => Uint8Array | undefined;
  readonly isPoint: (key: Uint8Array) => boolean;
  /** Unix ms. */
  readonly wallMs: () => number;
  readonly tuning: DiscoveryTuning;
}

interface Remembered {
  readonly key: NodeKey;
  place: string;
  goodAtS: number;
  upS: number;
}

interface UpPeer {
  readonly key: NodeKey;
  readonly since: number;
  /** Until then its time is added. */
  countedAt: number;
}

export class PeerMemory {
  private readonly o: PeerMemoryOptions;
  private readonly remembered = new Map<KeyText, Remembered>();
  private readonly up = new Map<KeyText, UpPeer>();
  private readonly saves: TokenBucket;
  private lookAt = NEVER;
  private savedAt = 0;
  private placesChanged = false;
  private timesChanged = false;

  constructor(options: PeerMemoryOptions) {
    this.o = options;
    const { savesPerMinute, savesAtOnce } = options.tuning;
    this.saves = new TokenBucket(savesPerMinute / SECONDS_PER_MINUTE, savesAtOnce);
  }

  /** Reads what was kept; how many lines could not be used. */
  load(): number {
    let unusable = 0;
    for (const line of this.o.store.load()) {
      const match = this.remembered.size < this.o.tuning.maxRemembered ? LINE.exec(line) : null;
      const key = match === null ? undefined : (fromHex(match[1]) as NodeKey);
      if (match === null || key === undefined || !this.o.isPoint(key)) {
        unusable++;
        continue;
      }
      const [goodAtS, upS] = [Number(match[3]), Number(match[4])];
      if (this.nowS() - goodAtS > this.o.tuning.rememberedDays * DAY_S) this.placesChanged = true;
      else this.remembered.set(match[1], { key, place: match[2], goodAtS, upS });
    }
    return unusable;
  }

  /** Keys, who was up the longest first. */
  names(): KeyText[] {
    return this.ranked().map(({ key }) => toHex(key));
  }

  knows(name: KeyText): boolean {
    return this.remembered.has(name);
  }

  /** Who it is and where it was; undefined when that place does not exist at this box now. */
  find(name: KeyText): { readonly key: NodeKey; readonly endpoint: Uint8Array } | undefined {
    const peer = this.remembered.get(name);
    const endpoint = peer && this.o.places.parse(peer.place);
    return peer && endpoint && { key: peer.key, endpoint };
  }

  linkUp(key: NodeKey, now: number): void {
    this.up.set(toHex(key), { key, since: now, countedAt: now });
    this.lookAt = Math.min(this.lookAt, now + this.o.tuning.rememberAfterMs);
  }

  linkDown(key: NodeKey, now: number): void {
    const name = toHex(key);
    const peer = this.up.get(name);
    if (peer === undefined) return;
    if (this.remembered.has(name)) this.count(name, peer, now);
    this.up.delete(name);
  }

  wake(now: number): void {
    if (now < this.lookAt) return;
    for (const [name, peer] of this.up) this.look(name, peer, now);
    this.lookAt = this.up.size === 0 ? NEVER : now + this.o.tuning.rememberAfterMs;
    const isDue = this.timesChanged && now >= this.savedAt + this.o.tuning.timesSavedEveryMs;
    if (isDue || (this.placesChanged && this.saves.take(now))) this.save(now);
  }

  nextWakeAt(): number {
    return this.lookAt;
  }

  /** The node ends: what was learned since the last time is written. */
  stop(now: number): void {
    for (const [name, peer] of this.up) this.look(name, peer, now);
    if (this.placesChanged || this.timesChanged) this.save(now);
  }

  private look(name: KeyText, peer: UpPeer, now: number): void {
    const endpoint = this.o.endpointOf(peer.key);
    const place = endpoint && this.o.places.format(endpoint);
    if (place === undefined || now < peer.since + this.o.tuning.rememberAfterMs) return;
    const known = this.remembered.get(name);
    if (known === undefined) {
      if (!this.makePlace(now - peer.since)) return;
      this.remembered.set(name, { key: peer.key, place, goodAtS: this.nowS(), upS: 0 });
      this.placesChanged = true;
    } else if (known.place !== place) {
      known.place = place;
      this.placesChanged = true;
    }
    this.count(name, peer, now);
  }

  private count(name: KeyText, peer: UpPeer, now: number): void {
    const known = this.remembered.get(name)!;
    known.goodAtS = this.nowS();
    known.upS += (now - peer.countedAt) / MS_PER_SECOND;
    peer.countedAt = now;
    this.timesChanged = true;
  }

  private makePlace(upMs: number): boolean {
    if (this.remembered.size < this.o.tuning.maxRemembered) return true;
    const least = this.ranked().findLast(({ key }) => !this.up.has(toHex(key)));
    if (least === undefined || least.upS * MS_PER_SECOND >= upMs) return false;
    this.remembered.delete(toHex(least.key));
    return true;
  }

  private save(now: number): void {
    this.savedAt = now;
    this.placesChanged = false;
    this.timesChanged = false;
    this.o.store.save(
      this.ranked().map(({ key, place, goodAtS, upS }) => `${toHex(key)} ${place} ${goodAtS} ${Math.floor(upS)}`),
    );
  }

  private ranked(): Remembered[] {
    return [...this.remembered.values()].sort((a, b) => b.upS - a.upS);
  }

  private nowS(): number {
    return Math.floor(this.o.wallMs() / MS_PER_SECOND);
  }
}
