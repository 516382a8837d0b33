/**
 * What kind a link is, in one byte of a record (docs/protocol.md section 7): bits 0 to 4 what the node takes for passing traffic on, bits 5 and 6 the
 * medium; bit 7 is zero and ignored.
 */
export type Medium = 'unknown' | 'lan' | 'wifi';

export interface LinkClass {
  /** What the neighbour is reached over; `unknown`: routers, or not told. */
  readonly medium: Medium;
  /** Satoshi for 10^9 bytes, 0 for free, at most 65,536: powers of two. */
  readonly price: number;
}

const MEDIA: readonly (Medium | undefined)[] = ['unknown', 'lan', 'wifi'];
const PRICE_MASK = 0x1f;
const MAX_PRICE_STEP = 17;
const MEDIUM_SHIFT = 5;
const MEDIUM_MASK = 0x03;

/** The price next above, so that nobody is asked for more than was told. */
export function encodeLinkClass({ medium, price }: LinkClass): number {
  const step = price === 0 ? 0 : Math.min(MAX_PRICE_STEP, 1 + Math.ceil(Math.log2(Math.max(1, price))));
  return (MEDIA.indexOf(medium) << MEDIUM_SHIFT) | step;
}

/** A medium or price that has no meaning yet counts as unknown, or as the highest. */
export function parseLinkClass(byte: number): LinkClass {
  const step = Math.min(MAX_PRICE_STEP, byte & PRICE_MASK);
  return {
    medium: MEDIA[(byte >> MEDIUM_SHIFT) & MEDIUM_MASK] ?? 'unknown',
    price: step === 0 ? 0 : 2 ** (step - 1),
  };
}
