/**
 * How far one route has delivered: relays let messages overtake each other, and number each, so a message that is
 * missing below others may still come until the route says that it is lost.
 *
 *   floor    all message numbers below came or are lost
 *   passed   the highest bundle sequence among them: as its end sends in order, the route brings nothing below any more
 *
 * Message numbers are 32 bits and go round. On the hot path: no allocation a message.
 */

/** A message that carries no bundle sequence, or never will. */
export const NO_DATA = -1;
const MISSING = -2;
const FIRST_CAPACITY = 64;
/**
 * Numbers from one that is missing to the newest: 2 s of full-size messages at 90 Mb/s, 128 KiB of memory. Beyond, it
 * counts as lost.
 */
export const MAX_FLOOR_SPAN = 16_384;
const HALF_OF_NUMBERS = 0x8000_0000;

export class RouteFloor {
  private floor = 0;
  /** By number modulo the capacity, from the floor on: bundle sequence, NO_DATA or MISSING. */
  private ring = new Float64Array(FIRST_CAPACITY).fill(MISSING);
  /** Numbers from the floor to the newest that came. */
  private span = 0;
  private passedSequence = NO_DATA;

  /** NO_DATA before the first. */
  get passed(): number {
    return this.passedSequence;
  }

  /** Whether something below the newest number is neither here nor lost. */
  get hasHoles(): boolean {
    return this.span > 0;
  }

  /** Message `number` came and carried this bundle sequence, or NO_DATA; or it is lost, with NO_DATA. */
  note(number: number, sequence: number): void {
    const ahead = (number - this.floor) >>> 0;
    // A late one, which had been given up.
    if (ahead >= HALF_OF_NUMBERS) return;
    if (ahead >= MAX_FLOOR_SPAN) this.giveUp(ahead - MAX_FLOOR_SPAN + 1);
    const place = (number - this.floor) >>> 0;
    while (place >= this.ring.length) this.grow();
    const slot = this.slotOf(place);
    if (this.ring[slot] === MISSING) this.ring[slot] = sequence;
    this.span = Math.max(this.span, place + 1);
    while (this.span > 0 && this.ring[this.slotOf(0)] !== MISSING) this.pass();
  }

  /** Moves the floor up by `count` numbers, whatever is missing. */
  private giveUp(count: number): void {
    const known = Math.min(count, this.span);
    for (let i = 0; i < known; i++) this.pass();
    this.floor = (this.floor + count - known) >>> 0;
  }

  private pass(): void {
    const slot = this.slotOf(0);
    this.passedSequence = Math.max(this.passedSequence, this.ring[slot]);
    this.ring[slot] = MISSING;
    this.floor = (this.floor + 1) >>> 0;
    this.span -= 1;
  }

  private grow(): void {
    const larger = new Float64Array(2 * this.ring.length).fill(MISSING);
    for (let place = 0; place < this.span; place++) {
      larger[(this.floor + place) & (larger.length - 1)] = this.ring[this.slotOf(place)];
    }
    this.ring = larger;
  }

  private slotOf(place: number): number {
    return (this.floor + place) & (this.ring.length - 1);
  }
}
