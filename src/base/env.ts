/**
 * What the deterministic core may ask of the world. `daemon` gives the real thing, `test/sim` a virtual one; a core
 * object never touches a clock, a random source, a socket, a file or a promise of its own.
 *
 * Every protocol object has the same shape: `receive...(bytes, now)` when something came in, `wake(now)` when the time
 * that `nextWakeAt()` named has come, `drain(now)` to hand out what is ready. `now` is monotonic milliseconds with fractions.
 */

export interface Clock {
  /** Milliseconds since an arbitrary start, never going back. */
  monotonicMs(): number;
  /** Unix milliseconds; may jump. Only for expiries that other nodes read. */
  wallMs(): number;
}

export interface RandomSource {
  /** Fills with unpredictable bytes (in simulation: with the bytes of a seeded stream). */
  fill(bytes: Uint8Array): void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | boolean>>;
export interface Log {
  /** One event, one line. Secrets and LAN payload never go in here. */
  write(level: LogLevel, event: string, fields?: LogFields): void;
}

/** What `nextWakeAt` returns when there is nothing to wait for. */
export const NEVER = Number.POSITIVE_INFINITY;

export function randomBytes(random: RandomSource, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  random.fill(bytes);
  return bytes;
}

/** A random integer of 32 bits that is not zero: link indices. */
export function randomIndex(random: RandomSource): number {
  const word = new Uint32Array(1);
  do random.fill(new Uint8Array(word.buffer));
  while (word[0] === 0);
  return word[0];
}
