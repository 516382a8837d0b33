/** Whether bytes look like random ones: what a sealed datagram must look like behind its header. */

/**
 * Pearson's chi-squared of the byte values against the uniform distribution, 255 degrees of freedom: about 255 +- 23 for
 * random bytes, far above for anything with a structure.
 */
export function chiSquared(samples: readonly Uint8Array[]): number {
  const counts = new Float64Array(256);
  let total = 0;
  for (const sample of samples) {
    for (const byte of sample) counts[byte]++;
    total += sample.length;
  }
  const expected = total / 256;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/**
 * For each of the first `length` positions: the share of the samples that have that position's most frequent value there.
 * 1 is a constant byte; 1/256 and a bit is random.
 */
export function mostFrequentShares(samples: readonly Uint8Array[], length: number): number[] {
  return Array.from({ length }, (_, position) => {
    const counts = new Uint32Array(256);
    for (const sample of samples) counts[sample[position]]++;
    return Math.max(...counts) / samples.length;
  });
}
