/**
 * Whether the internet has fallen silent behind a gateway that still answers for itself: packets go out, and none comes back. One host that is
 * gone proves nothing, so three destinations must stay silent, or the gateway's resolver three times.
 *
 * On the packet path: a few comparisons, no allocation.
 */
const PROOFS = 3;

export class Silence {
  private readonly destinations = new Uint32Array(PROOFS);
  private proofs = 0;
  /** When the first packet was sent that nothing came after. */
  private sentAt = 0;

  /** A packet was sent to an IPv4 address. */
  sent(destination: number, resolver: number, now: number): void {
    if (this.proofs === PROOFS) return;
    if (this.proofs === 0) this.sentAt = now;
    for (let i = 0; i < this.proofs; i++) {
      if (this.destinations[i] === destination && destination !== resolver) return;
    }
    this.destinations[this.proofs++] = destination;
  }

  /** A packet came back. */
  heard(): void {
    this.proofs = 0;
  }

  /** For how long nothing has come back; 0 while too little was sent to know. */
  lastsMs(now: number): number {
    return this.proofs === PROOFS ? now - this.sentAt : 0;
  }
}
