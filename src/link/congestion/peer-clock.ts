/**
 * How long datagrams are on the way to the peer, by its clock and ours: the ACK frame tells when the peer received its
 * `largest`, in microseconds modulo 2^32 (docs/protocol.md section 3). The clocks have nothing to do with each other, so
 * a transit is known but for a constant: differences of transits are what counts (LEDBAT, RFC 6817 section 2.4.2). Unlike
 * the round trip it has no part in the queue on the way back, nor in when the ACK was written or read.
 */
const TWO_32 = 0x1_0000_0000;
const TWO_31 = 0x8000_0000;

/** A monotonic time as it stands in an ACK: microseconds modulo 2^32. */
export function clockUs(now: number): number {
  return Math.floor(now * 1000) % TWO_32;
}

export class PeerClock {
  private lastUs = 0;
  private transitUs = 0;
  private known = false;

  /**
   * Milliseconds from `sentAt` (our clock, ms) to `arrivedUs` (the peer's clock), plus a constant that never changes
   * in the life of this object. Two calls must not lie more than 35 minutes apart for the difference to be right.
   */
  transitMs(arrivedUs: number, sentAt: number): number {
    const us = arrivedUs - sentAt * 1000;
    // The change since the last one, as a signed number of 32 bits.
    let change = this.known ? (us - this.lastUs) % TWO_32 : 0;
    if (change >= TWO_31) change -= TWO_32;
    if (change < -TWO_31) change += TWO_32;
    this.known = true;
    this.lastUs = us;
    this.transitUs += change;
    return this.transitUs / 1000;
  }
}
