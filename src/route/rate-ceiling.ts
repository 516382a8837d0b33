/** The highest of the rates that were measured lately: the last half a minute, in six slots. */
const SLOTS = 6;
const SLOT_MS = 5_000;

export class RateCeiling {
  private readonly slots = new Float64Array(SLOTS);
  private slot = 0;
  private slotAt = Number.NEGATIVE_INFINITY;

  /** Bytes a millisecond; 0 before the first rate. */
  get bytesPerMs(): number {
    let most = 0;
    for (const rate of this.slots) most = Math.max(most, rate);
    return most;
  }

  add(bytesPerMs: number, now: number): void {
    if (now - this.slotAt >= SLOT_MS) {
      this.slot = (this.slot + 1) % SLOTS;
      this.slots[this.slot] = 0;
      this.slotAt = now;
    }
    this.slots[this.slot] = Math.max(this.slots[this.slot], bytesPerMs);
  }
}
