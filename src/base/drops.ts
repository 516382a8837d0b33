/**
 * Hostile or broken input is dropped and counted under a name. The counters of the whole node are one table, shown in
 * `skywire status --json` as `drops`. Names are fixed at compile time, so the table can't grow from outside.
 */
export class Drops {
  private readonly counts = new Map<string, number>();

  /** Counts one drop. `reason` is a literal such as `link-tag-wrong`, never made from input. */
  count(reason: string, times = 1): void {
    if (times === 0) return;
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + times);
  }

  get(reason: string): number {
    return this.counts.get(reason) ?? 0;
  }

  /** Sorted by name. */
  toJSON(): Record<string, number> {
    return Object.fromEntries([...this.counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
