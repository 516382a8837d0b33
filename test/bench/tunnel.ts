/**
 * A direct tunnel beside what a person would install instead, wireguard-go, and beside two bounds: the kernel alone, and a loop in C
 * that seals, cuts and sends without any protocol. All in one run, turn by turn; on a machine with few cores the ratios are what
 * counts. Topology: tunnel/tunnel-network.ts.
 *
 * Arguments choose: ways (raw, skywire, skywire-once, wireguard-go, loop, loop-link), wires (card, plain), parts (ping, tcp, tcp4, udp), rounds=3,
 * seconds=4. Others go to our daemons.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { pingTimes } from '../lab/harness/clients.ts';
import { Lab } from '../lab/harness/lab.ts';
import { until } from '../lab/harness/until.ts';
import { type Figures, measureWay, PARTS, type Part, round, summary } from './tunnel/measures.ts';
import { SERVER_ADDRESS, TunnelNetwork, type Wire } from './tunnel/tunnel-network.ts';
import { createWay, WAYS, type Way, type WayName } from './tunnel/ways.ts';

export const about =
  'a direct tunnel beside wireguard-go, the bare kernel and a loop in C without protocol: TCP, UDP, ping, processor, memory';
export const takes = '12 min; fewer ways, wires, parts or rounds take less. Needs scripts/setup --peers';

const WIRES: readonly Wire[] = ['card', 'plain'];
const OURS: readonly WayName[] = ['skywire', 'skywire-once'];
const ROUNDS = 3;
const SECONDS = 4;
const ANSWER_MS = 15_000;

export async function run(context: RunContext): Promise<RunResult> {
  const { args } = context;
  const number = (name: string, otherwise: number) =>
    Number(args.find((arg) => arg.startsWith(`${name}=`))?.slice(name.length + 1) ?? otherwise);
  const chosen = <T extends string>(all: readonly T[]): T[] => {
    const asked = all.filter((one) => args.includes(one));
    return asked.length > 0 ? asked : [...all];
  };
  const [ways, wires, parts] = [chosen(WAYS), chosen(WIRES), new Set<Part>(chosen(PARTS))];
  const ours = args.filter((arg) => !/=/.test(arg) && ![...WAYS, ...WIRES, ...PARTS].includes(arg as never));
  const [rounds, seconds] = [number('rounds', ROUNDS), number('seconds', SECONDS)];
  const lab = new Lab(context);
  const contenders = new Map<WayName, { network: TunnelNetwork; way: Way }>();
  for (const name of ways) {
    const network = await TunnelNetwork.lay(lab, name);
    contenders.set(name, { network, way: createWay(name, network, ours) });
  }
  const figures: Record<string, Record<string, ReturnType<typeof summary>>> = {};
  for (const wire of wires) {
    for (const { network } of contenders.values()) network.use(wire);
    const measured = new Map<WayName, Figures[]>(ways.map((name) => [name, []]));
    for (let turn = 0; turn < rounds; turn++) {
      for (const [name, { network, way }] of contenders) {
        const processes = await way.up();
        await until('an answer', ANSWER_MS, () => pingTimes(network.client, SERVER_ADDRESS, 1).length > 0);
        const one = await measureWay(network, processes, parts, seconds);
        await way.down();
        measured.get(name)!.push(one);
        context.log(
          `${wire}, ${name}: ${Object.entries(one)
            .map(([key, value]) => `${key} ${round(value)}`)
            .join(', ')}`,
        );
      }
    }
    figures[wire] = Object.fromEntries([...measured].map(([name, all]) => [name, summary(all)]));
  }
  return { pass: true, figures, ratios: Object.fromEntries(wires.map((wire) => [wire, ratiosOf(figures[wire])])) };
}

/** Of the medians of each of ours to those of each other way. */
function ratiosOf(ways: Record<string, ReturnType<typeof summary>>): Record<string, Record<string, Figures>> {
  const ours = OURS.filter((name) => ways[name] !== undefined);
  return Object.fromEntries(ours.map((name) => [name, ratiosTo(ways, ways[name], name)]));
}

function ratiosTo(
  ways: Record<string, ReturnType<typeof summary>>,
  ours: ReturnType<typeof summary>,
  own: WayName,
): Record<string, Figures> {
  const others = Object.entries(ways).filter(([name]) => name !== own);
  return Object.fromEntries(
    others.map(([name, theirs]) => {
      const shared = Object.keys(ours).filter((key) => theirs[key] !== undefined && theirs[key].median > 0);
      return [name, Object.fromEntries(shared.map((key) => [key, round(ours[key].median / theirs[key].median)]))];
    }),
  );
}
