/**
 * What scripts/test runs besides `npm run check` and `npm test`: the named runs that the gate may not lose. A run that
 * exports `gate = true` and is not listed here runs too; one that is listed and missing fails the gate.
 */
import type { RunKind } from './run-contract.ts';

export const GATE_RUNS: Readonly<Record<RunKind, readonly string[]>> = {
  sim: ['rekey', 'random-networks', 'worked-examples', 'one-way', 'congestion', 'flapping-day'],
  fuzz: ['datagrams', 'onions', 'records', 'discovery', 'control', 'tun-packets', 'native'],
  lab: ['kill-switch', 'wire', 'refusals', 'impairment'],
  bench: [],
};
