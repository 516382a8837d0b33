/**
 * To whom this node has sent of late, though it is no peer: its address translation may still be open for him, so that he gets through proves
 * nothing (docs/protocol.md section 9.5).
 */
import { toHex } from '../base/bytes.ts';
import type { KeyText, NodeKey } from '../base/ids.ts';
import type { DiscoveryTuning } from './tuning.ts';

export class Contacts {
  private readonly tuning: DiscoveryTuning;
  /** Until when, the one that ends first in front. */
  private readonly open = new Map<KeyText, number>();

  constructor(tuning: DiscoveryTuning) {
    this.tuning = tuning;
  }

  add(key: NodeKey, now: number): void {
    const name = toHex(key);
    this.open.delete(name);
    this.open.set(name, now + this.tuning.mappingMs);
    for (const [first, until] of this.open) {
      if (now < until) return;
      this.open.delete(first);
    }
  }

  has(key: NodeKey, now: number): boolean {
    return now < (this.open.get(toHex(key)) ?? 0);
  }
}
