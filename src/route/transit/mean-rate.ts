/** Mean of the last few looks at a rate: after so many it holds nothing of what was before, as a smoothed value would. */
export class MeanRate {
  /** Twice as many as make up the mean: the older half tells whether it grows. */
  private readonly looks: Float64Array;
  private readonly count: number;
  private next = 0;
  private sum = 0;
  private sumBefore = 0;

  /** `count`: how many looks. */
  constructor(count: number) {
    this.count = count;
    this.looks = new Float64Array(2 * count);
  }

  get bytesPerMs(): number {
    return this.sum / this.count;
  }

  /** By how much the mean is more than that of as many looks before. */
  get growth(): number {
    return (this.sum - this.sumBefore) / this.count;
  }

  /** The larger one of the last two looks. */
  get latest(): number {
    return Math.max(this.ago(1), this.ago(2));
  }

  add(bytesPerMs: number): void {
    this.looks[this.next] = bytesPerMs;
    this.next = (this.next + 1) % this.looks.length;
    this.sum = 0;
    this.sumBefore = 0;
    for (let i = 1; i <= this.count; i++) {
      this.sum += this.ago(i);
      this.sumBefore += this.ago(this.count + i);
    }
  }

  private ago(looks: number): number {
    const { length } = this.looks;
    return this.looks[(this.next + length - looks) % length];
  }
}
