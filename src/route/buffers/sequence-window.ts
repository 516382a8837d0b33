/**
 * Which numbers of a rising sequence came, each taken once (docs/protocol.md section 3.3). All below `base` came; above it
 * bits say which, in a ring that grows as far as numbers run ahead and is given back when there is no gap. Numbers are u32
 * and wrap. Hot path: allocates only when the ring grows.
 */
const FIRST_BITS = 1_024;
/** A longer ring is given back when it is empty. */
const KEPT_BITS = 32_768;
/** Numbers above `base` that can be told apart. */
export const WINDOW_NUMBERS = 0x10_0000;

export class SequenceWindow {
  /** The lowest number that did not come yet. */
  base: number;
  /** Numbers above `base` that came. */
  ahead = 0;
  private bits: Uint32Array | undefined;

  constructor(base: number) {
    this.base = base;
  }

  /** `beyond`: too far above `base` to be told apart. */
  look(number: number): 'new' | 'taken' | 'beyond' {
    const distance = (number - this.base) | 0;
    if (distance < 0) return 'taken';
    if (distance >= WINDOW_NUMBERS) return 'beyond';
    const { bits } = this;
    if (distance === 0 || bits === undefined || distance >= 32 * bits.length) return 'new';
    return this.isSet(bits, number) ? 'taken' : 'new';
  }

  /** Whether `look` calls all of these new. */
  isNew(first: number, count: number): boolean {
    for (let i = 0; i < count; i++) if (this.look((first + i) >>> 0) !== 'new') return false;
    return true;
  }

  /** Takes a number that `look` calls new. */
  take(number: number): void {
    const distance = (number - this.base) | 0;
    if (distance > 0) {
      const bits = this.reaching(distance);
      bits[(number >>> 5) & (bits.length - 1)] |= 1 << (number & 31);
      this.ahead++;
      return;
    }
    this.base = (this.base + 1) >>> 0;
    const { bits } = this;
    if (bits === undefined) return;
    while (this.ahead > 0 && this.isSet(bits, this.base)) {
      bits[(this.base >>> 5) & (bits.length - 1)] &= ~(1 << (this.base & 31));
      this.ahead--;
      this.base = (this.base + 1) >>> 0;
    }
    if (this.ahead === 0 && bits.length > KEPT_BITS / 32) this.bits = undefined;
  }

  /** Gives up the numbers below `base`. Returns how many of them never came. */
  skipTo(base: number): number {
    let missing = 0;
    while (((base - this.base) | 0) > 0) {
      if (this.ahead === 0) {
        missing += (base - this.base) >>> 0;
        this.base = base;
      } else {
        missing++;
        this.take(this.base);
      }
    }
    return missing;
  }

  private isSet(bits: Uint32Array, number: number): boolean {
    return (bits[(number >>> 5) & (bits.length - 1)] & (1 << (number & 31))) !== 0;
  }

  /** The ring, made long enough for this distance above `base`. */
  private reaching(distance: number): Uint32Array {
    const old = this.bits;
    if (old !== undefined && distance < 32 * old.length) return old;
    let length = old === undefined ? FIRST_BITS / 32 : old.length;
    while (distance >= 32 * length) length *= 2;
    const bits = new Uint32Array(length);
    if (old !== undefined) {
      for (let i = 1; i < 32 * old.length; i++) {
        const number = (this.base + i) >>> 0;
        if (this.isSet(old, number)) bits[(number >>> 5) & (length - 1)] |= 1 << (number & 31);
      }
    }
    this.bits = bits;
    return bits;
  }
}
