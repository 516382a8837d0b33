/**
 * How many bytes of a route's direction may stand at this node: what flows in one round of the loop, with room for
 * what loss keeps here longer, and not more, since whatever stands is delay (docs/protocol.md section 3.3).
 *
 *   bytes = rate out x ((round trip up + round trip down) x (1.5 + 10 p / (1 - p)) + 30 bursts + allowance)
 *
 * A piece comes one hop up, is kept until the next hop has it, and room travels back: the loop is both hops. The factor
 * of 1.5 makes the bound grow while it is what limits the rate; the part of the loss was found over eight hops that lose
 * half, where 8 in place of 10 carries one and a half per cent less. A burst is how much longer than by chance a link loses all there is:
 * the next hop has to have something to send meanwhile. Where that is too slow, it doubles once a round: when
 * whoever fills the buffer stands at its end, nothing of it waited to be sent for a moment, and he was
 * given all the room there is, in two rounds in a row; in one, where the buffer has always run dry so far.
 *
 * At the end of a route nothing stands, so room there is no delay: it is twice as much, and enough from the beginning that a
 * new route is as fast as its links let it be.
 */
import { INITIAL_CREDIT_BYTES } from '../protocol-limits.ts';
import { ROUTE_TUNING, type RouteTuning } from '../tuning.ts';

/** A dip of a round or two must not halve what a long path may hold. */
const HALF_LIFE_ROUNDS = 4;
/** What rests longer is paused, not slow. */
const PAUSE_HALF_LIVES = 4;

/** Measured anew at each look, once a round of the loop. */
export interface LoopMeasures {
  /** Up and down. */
  roundTripMs: number;
  lossShare: number;
  /** Of the link that loses in longer bursts. */
  burstMs: number;
  /** The most that this bound may be: its share of the memory. */
  capBytes: number;
  /** At some time nothing waited here to be sent for the first time. */
  ranDry: boolean;
  /** The route ends here: what comes leaves at once. */
  isEnd: boolean;
}

/** Over eight hops that lose a fifth in bursts of eight, raw messages have 0.70 of the ceiling without, 0.82 with it. */
const BURSTS = 30;
/** A pause of whoever sends, or a link that empties its queue to measure it, lets a buffer run dry for a round. */
const DRY_ROUNDS = 2;
/**
 * Once the rate is known, so much of what it needs: a link that pauses to measure itself leaves its buffer dry for longer than two rounds, and
 * a bound that doubled in each of them stood for 300 ms at 2 Mb/s. It is enough for the rate to grow by four tenths a round.
 */
const STEADY_GROWTH = 1.5;
/** What flows at the end of a route is what its room let flow a round ago: with less it grows by a sixth a round. */
const END_FACTOR = 2;
/** Beyond this loss rounds differ so much that one is enough: two in a row cost two points in a hundred over eight hops at half loss. */
const LOSSY_SHARE = 0.02;

type BoundTuning = Pick<
  RouteTuning,
  'leastBoundBytes' | 'endBoundBytes' | 'boundAllowanceMs' | 'boundRoundMs' | 'rateHalfLifeMs' | 'lossShareCounted'
>;

export class FlowBound {
  bytes: number;
  /** Smoothed, of what left. */
  rateBytesPerMs = 0;
  /** Whoever fills the buffer stood at its end since the last look. */
  pressed = false;
  /** Since then not all the room that this bound allows was given: it is not what limits the route. */
  heldBack = false;
  /** Rounds in a row in which this bound was what limited the route. */
  private dryRounds = 0;
  /** In some round the buffer did not run dry: until then each round doubles, as a new connection does. */
  private wasFull = false;
  private readonly tuning: BoundTuning;
  private left = 0;
  private lookedAt = Number.NEGATIVE_INFINITY;
  private leftAt = Number.NEGATIVE_INFINITY;
  /** How long a round of the loop is; 0 before the first look. */
  private roundMs = 0;

  constructor(tuning: BoundTuning = ROUTE_TUNING) {
    this.tuning = tuning;
    this.bytes = INITIAL_CREDIT_BYTES;
  }

  /** Bytes left the buffer. True when it is time to `look`. */
  leave(bytes: number, now: number): boolean {
    // After a pause there is no rate to speak of: a new interval begins.
    if (now - this.leftAt > PAUSE_HALF_LIVES * this.halfLifeMs) {
      this.lookedAt = now;
      this.left = 0;
    }
    this.leftAt = now;
    this.left += bytes;
    return now - this.lookedAt >= this.roundMs;
  }

  look(loop: LoopMeasures, now: number): void {
    const { boundAllowanceMs, boundRoundMs, rateHalfLifeMs, lossShareCounted } = this.tuning;
    const passedMs = now - this.lookedAt;
    this.roundMs = Math.max(boundRoundMs, loop.roundTripMs);
    if (passedMs === 0) return;
    const sample = this.left / passedMs;
    // A sample of a short round is a few pieces more or less: what rises there is believed by a third, what falls by time.
    const riseWeight = passedMs < rateHalfLifeMs ? 1 / 3 : 1;
    const fallWeight = this.heldBack ? 0 : 1 - 0.5 ** (passedMs / this.halfLifeMs);
    const weight = sample > this.rateBytesPerMs ? riseWeight : fallWeight;
    this.rateBytesPerMs += (sample - this.rateBytesPerMs) * weight;
    const loss = Math.min(loop.lossShare, lossShareCounted);
    const factor = (loop.isEnd ? END_FACTOR : 1) * (1.5 + (10 * loss) / (1 - loss));
    const leastBytes = loop.isEnd ? this.tuning.endBoundBytes : this.tuning.leastBoundBytes;
    const needed = this.rateBytesPerMs * (loop.roundTripMs * factor + BURSTS * loop.burstMs + boundAllowanceMs);
    this.dryRounds = this.pressed && !this.heldBack && loop.ranDry ? this.dryRounds + 1 : 0;
    this.wasFull ||= !loop.ranDry;
    const steady = this.wasFull && loss <= LOSSY_SHARE;
    const grows = this.dryRounds >= (steady ? DRY_ROUNDS : 1);
    const grown = Math.min(2 * this.bytes, steady ? STEADY_GROWTH * needed : Number.POSITIVE_INFINITY);
    this.bytes = Math.floor(Math.max(leastBytes, Math.min(loop.capBytes, grows ? Math.max(needed, grown) : needed)));
    this.pressed = false;
    this.heldBack = false;
    this.left = 0;
    this.lookedAt = now;
  }

  private get halfLifeMs(): number {
    return Math.max(this.tuning.rateHalfLifeMs, HALF_LIFE_ROUNDS * this.roundMs);
  }
}
