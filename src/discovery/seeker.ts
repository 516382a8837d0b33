/**
 * Asks all neighbours for help with whom this node would link with and can't reach: SEEK (docs/protocol.md section 9.4).
 *
 * Timer: when somebody is lost or a neighbour comes, at once but not twice a second; then after 5 s, doubling to 10 min, while there is anybody to
 * seek. Every 10 s it is looked whether others are to be sought than were.
 */
import { concat, equal } from '../base/bytes.ts';
import { NEVER } from '../base/env.ts';
import type { NodeKey } from '../base/ids.ts';
import { addressHash } from '../crypto/address.ts';
import { encodeSeek, SEEK_MAX_HASHES } from '../wire/meeting.ts';
import type { DiscoveryTuning } from './tuning.ts';

export interface SeekerOptions {
  /** Whom to seek now, the most wanted first. */
  readonly sought: (now: number) => readonly NodeKey[];
  /** To every neighbour whose link is up. */
  readonly tell: (message: Uint8Array) => void;
  readonly tuning: DiscoveryTuning;
}

const NOBODY = new Uint8Array();

export class Seeker {
  private readonly o: SeekerOptions;
  private said: Uint8Array = NOBODY;
  private saidAt = Number.NEGATIVE_INFINITY;
  private sayAt = NEVER;
  private lookAt = NEVER;
  private waitMs: number;

  constructor(options: SeekerOptions) {
    this.o = options;
    this.waitMs = options.tuning.seekFirstWaitMs;
  }

  /** Links went up or down. */
  changed(now: number): void {
    const { seekLeastGapMs, seekFirstWaitMs } = this.o.tuning;
    this.waitMs = seekFirstWaitMs;
    this.sayAt = Math.min(this.sayAt, Math.max(now, this.saidAt + seekLeastGapMs));
  }

  wake(now: number): void {
    if (now < this.nextWakeAt()) return;
    const { sought, tell, tuning } = this.o;
    this.lookAt = now + tuning.seekLookMs;
    const hashes = sought(now).slice(0, SEEK_MAX_HASHES).map(addressHash);
    const saying = concat(...hashes);
    const isNews = !equal(saying, this.said);
    if (isNews) this.waitMs = tuning.seekFirstWaitMs;
    else if (now < this.sayAt) return;
    if (isNews || hashes.length > 0) tell(encodeSeek(hashes));
    this.said = saying;
    this.saidAt = now;
    this.sayAt = hashes.length === 0 ? NEVER : now + this.waitMs;
    this.waitMs = Math.min(2 * this.waitMs, tuning.seekLastWaitMs);
  }

  nextWakeAt(): number {
    return Math.min(this.sayAt, this.lookAt);
  }
}
