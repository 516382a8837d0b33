/** Programmer errors crash: an assertion that fails is a bug in this program, never bad input. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${what}`);
}
