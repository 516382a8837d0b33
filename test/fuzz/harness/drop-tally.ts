/** Counts the drops that fed cases cause, apart from those of the traffic that runs besides. */
import type { Drops } from '../../../src/base/drops.ts';

export class DropTally {
  /** Whether a case is being fed now. */
  counting = false;
  /** Since `start` of the current case. */
  ofCase = 0;
  private readonly byReason = new Map<string, number>();

  watch(drops: Drops): void {
    const count = drops.count.bind(drops);
    drops.count = (reason, times = 1) => {
      count(reason, times);
      if (!this.counting) return;
      this.ofCase += times;
      this.byReason.set(reason, (this.byReason.get(reason) ?? 0) + times);
    };
  }

  start(): void {
    this.ofCase = 0;
    this.counting = true;
  }

  stop(): void {
    this.counting = false;
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries([...this.byReason].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
