/** Mean of the last few looks at a rate: after so many it holds nothing of what was before, as a smoothed value would. */
export class MeanRate {
  private readonly looks: Float64Array;
  private next = 0;
  private sum = 0;

  /** `count`: how many looks. */
  constructor(count: number) {
    this.looks = new Float64Array(count);
  }

  get bytesPerMs(): number {
    return this.sum / this.looks.length;
  }

  /** The larger one of the last two looks. */
  get latest(): number {
    const { length } = this.looks;
    return Math.max(this.looks[(this.next + length - 1) % length], this.looks[(this.next + length - 2) % length]);
  }

  add(bytesPerMs: number): void {
    this.looks[this.next] = bytesPerMs;
    this.next = (this.next + 1) % this.looks.length;
    this.sum = 0;
    for (const look of this.looks) this.sum += look;
  }
}
