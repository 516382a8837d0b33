/** Bytes that may be spent at a rate; a larger spending is paid for afterwards. */
export const UNLIMITED = Number.POSITIVE_INFINITY;

export class Allowance {
  bytesPerMs = UNLIMITED;
  private bytes = 0;

  get isLimited(): boolean {
    return this.bytesPerMs !== UNLIMITED;
  }

  get left(): number {
    return this.isLimited ? Math.max(0, this.bytes) : UNLIMITED;
  }

  get isOpen(): boolean {
    return !this.isLimited || this.bytes > 0;
  }

  spend(bytes: number): void {
    if (this.isLimited) this.bytes -= bytes;
  }

  fill(passedMs: number, burstMs: number): void {
    if (this.isLimited) this.bytes = Math.min(this.bytesPerMs * burstMs, this.bytes + this.bytesPerMs * passedMs);
    else this.bytes = 0;
  }
}
