/**
 * How much of what this node can serve as a gateway is in use: of its addresses, or of its line to the internet, whichever is more. Tenths, and
 * looked at every 10 s, so that a record is not signed for every download.
 */
const LOOK_EVERY_MS = 10_000;
const TENTHS = 10;
const BITS_PER_BYTE = 8;

export interface GatewayUse {
  /** Of the addresses, 0 to 1. */
  readonly leasedShare: number;
  /** Since the start. */
  readonly bytesUp: number;
  readonly bytesDown: number;
}

export class GatewayLoad {
  /** Of the line, in each direction; 0: not known, and then addresses alone count. */
  private readonly rateKbps: number;
  private load = 0;
  private lookedAt: number | undefined;
  private before = { bytesUp: 0, bytesDown: 0 };

  constructor(rateKbps: number) {
    this.rateKbps = rateKbps;
  }

  /** 0 to 1, in tenths; may be asked as often as wanted. */
  note(use: GatewayUse, now: number): number {
    if (this.lookedAt !== undefined && now < this.lookedAt + LOOK_EVERY_MS) return this.load;
    const forMs = now - (this.lookedAt ?? now);
    const bytes = Math.max(use.bytesUp - this.before.bytesUp, use.bytesDown - this.before.bytesDown);
    const lineShare = forMs === 0 || this.rateKbps === 0 ? 0 : (bytes * BITS_PER_BYTE) / forMs / this.rateKbps;
    this.load = Math.min(TENTHS, Math.floor(TENTHS * Math.max(lineShare, use.leasedShare))) / TENTHS;
    this.before = { bytesUp: use.bytesUp, bytesDown: use.bytesDown };
    this.lookedAt = now;
    return this.load;
  }
}
