/** Ways over the same cables, turn by turn in one run: on a machine with few cores the ratios are what counts. */
import type { RunContext, RunResult } from '../../../scripts/run-contract.ts';
import { numberArg } from '../../helpers/run-args.ts';
import { pingTimes } from '../../lab/harness/clients.ts';
import { Lab } from '../../lab/harness/lab.ts';
import { until } from '../../lab/harness/until.ts';
import { type Figures, measureWay, PARTS, type Part, round, type Summary, summary } from './measures.ts';
import { TunnelNetwork, WIRES, type Wire } from './tunnel-network.ts';
import type { Way } from './way.ts';
import { createWay, PEERS, WAYS, type WayName } from './ways.ts';

export interface Contest {
  /** Between near and far. */
  readonly cables: number;
  readonly ways: readonly WayName[];
  readonly parts: readonly Part[];
}

type ByWire<T> = Partial<Record<Wire, T>>;
/** What was measured of each way. */
export type Standings = ByWire<Partial<Record<WayName, Summary>>>;

export const ROUNDS = 3;
export const SECONDS = 4;
const ANSWER_MS = 30_000;

/** Arguments of the run choose among ways, wires (card, plain) and parts; rounds=3, seconds=4; others go to our daemons. */
export async function contest(context: RunContext, { cables, ...all }: Contest): Promise<Standings> {
  const { args } = context;
  const chosen = <T extends string>(of: readonly T[]): readonly T[] => {
    const asked = of.filter((one) => args.includes(one));
    return asked.length > 0 ? asked : of;
  };
  const [wires, parts] = [chosen(WIRES), new Set(chosen(all.parts))];
  const [rounds, seconds] = [numberArg(args, 'rounds', ROUNDS), numberArg(args, 'seconds', SECONDS)];
  const lab = new Lab(context);
  const contenders = new Map<WayName, { network: TunnelNetwork; way: Way }>();
  for (const name of chosen(all.ways)) {
    const network = await TunnelNetwork.lay(lab, name, cables);
    contenders.set(name, { network, way: createWay(name, network, daemonArgs(args)) });
  }
  const standings: Standings = {};
  for (const wire of wires) {
    for (const { network } of contenders.values()) network.use(wire);
    const measured = new Map<WayName, Figures[]>([...contenders.keys()].map((name) => [name, []]));
    for (let turn = 0; turn < rounds; turn++) {
      for (const [name, { network, way }] of contenders) {
        const processes = await way.up();
        await until('an answer', ANSWER_MS, () => pingTimes(network.client, way.server, 1).length > 0);
        const one = await measureWay(network, way.server, processes, parts, seconds);
        await network.quiet();
        await way.down();
        measured.get(name)!.push(one);
        const figures = Object.entries(one).map(([key, value]) => `${key} ${round(value)}`);
        context.log(`${wire}, ${name}: ${figures.join(', ')}`);
      }
    }
    standings[wire] = Object.fromEntries([...measured].map(([name, figures]) => [name, summary(figures)]));
  }
  return standings;
}

/** Those arguments of a run that say nothing to a contest. */
export function daemonArgs(args: readonly string[]): string[] {
  return args.filter((arg) => !/=/.test(arg) && ![...WAYS, ...WIRES, ...PARTS].includes(arg as never));
}

/** Of our medians to those of each other way, by wire. */
export function ratios(standings: Standings, own: WayName) {
  return byWire(standings, (ways) => {
    const others = Object.entries(ways).filter(([name]) => name !== own);
    return Object.fromEntries(others.map(([name, theirs]) => [name, ratiosTo(ways[own] ?? {}, [theirs])]));
  });
}

/**
 * Passes when each of our throughputs and packet rates is at least so many times the highest that one of those reaches whom a person would
 * install instead.
 */
export async function contestPeers(context: RunContext, all: Contest, least: Record<Wire, number>): Promise<RunResult> {
  const figures = await contest(context, all);
  const ratiosToBest = byWire(figures, (ways) => {
    const theirs = PEERS.map((name) => ways[name]).filter((one) => one !== undefined);
    const rates = Object.entries(ratiosTo(ways.skywire ?? {}, theirs)).filter(([key]) => /(Mbit|Kpps)$/.test(key));
    return Object.fromEntries(rates);
  });
  const lowest = byWire(ratiosToBest, (all) => Math.min(...Object.values(all)));
  const reached = byWire(lowest, (ratio, wire) => Number.isFinite(ratio) && ratio >= least[wire]);
  return { pass: Object.values(reached).every(Boolean), least, lowest, ratiosToBest, figures };
}

function ratiosTo(ours: Summary, theirs: readonly Summary[]): Figures {
  const best = (key: string) => Math.max(...theirs.map((one) => one[key]?.median ?? 0));
  const shared = Object.keys(ours).filter((key) => best(key) > 0);
  return Object.fromEntries(shared.map((key) => [key, round(ours[key].median / best(key))]));
}

export function byWire<T, Result>(of: ByWire<T>, make: (one: T, wire: Wire) => Result): ByWire<Result> {
  const entries = Object.entries(of) as [Wire, T][];
  return Object.fromEntries(entries.map(([wire, one]) => [wire, make(one, wire)]));
}
