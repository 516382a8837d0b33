/** Programmer errors crash: an assertion that fails is a bug in this program, never bad input. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${what}`);
}

/** For the default branch of a switch over a union: the compiler proves that it can't be reached. */
export function unreachable(value: never): never {
  throw new Error(`assertion failed: unexpected ${String(value)}`);
}
