/**
 * Nodes that lie. All nodes are real; the liars run the same program, but sign records with a round trip of their own choice.
 *
 *            ┌─5─ liar (1) ──150 ms── liar (2) ─5─┐
 *   miner (0)┼─────20─ relay (3) ─────20──────────┼ gateway (5)      the liars claim 0.1 ms for the link between them
 *            └─────25─ relay (4) ─────25──────────┘
 *
 * - attract: the liars' path is the shortest by the records. The miner takes it, measures it, and has left it within one measurement
 *   interval; nothing of the traffic is lost, and none comes back to the liars within 10 minutes.
 * - alone: a node claims a link with the gateway that the gateway does not claim; and one whose other end is honest about its round trip. No
 *   path ever leads over either.
 * - crowd: strangers by the dozen on the segment of a box, before and after its good neighbour: the good one is never put out, it gets its
 *   place also after a restart, and is never forgotten.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { equal, toHex } from '../../src/base/bytes.ts';
import type { LinkId, NodeKey } from '../../src/base/ids.ts';
import type { LinkMeasurement } from '../../src/graph/own-record.ts';
import { Crowd } from './world/crowd.ts';
import { Network } from './world/network.ts';

export const about = 'liars attract no traffic for longer than 4 s, fake no link, and put no good neighbour out';
export const takes = '1 min, gate 20 s';
export const gate = true;

/** Nodes measure every 2 s; the first round trip over the liars takes its time. */
const MEASUREMENT_INTERVAL_MS = 4_000;
const LIES_OUT_MS = 15_000;
const AFTERWARDS_MS = 600_000;
const GATE_AFTERWARDS_MS = 120_000;
const CROWD_WAVES = 200;
const GATE_CROWD_WAVES = 40;
const LOOK_EVERY_MS = 500;
const PACKET_EVERY_MS = 100;
/** The id of a link that does not exist. */
const NO_LINK = 63 as LinkId;
const CLAIMED: LinkMeasurement = { roundTripMs: 0.1, rateKbps: 1_000_000, lossShare: 0 };

export function run(context: RunContext): RunResult {
  const seed = Number(context.args[0] ?? 1);
  const attract = attracted(seed, context.gate ? GATE_AFTERWARDS_MS : AFTERWARDS_MS);
  context.log(`attract: ${JSON.stringify(attract)}`);
  const alone = claimedAlone(seed);
  context.log(`alone: ${JSON.stringify(alone)}`);
  const crowd = new Crowd(seed, context.gate ? GATE_CROWD_WAVES : CROWD_WAVES).run();
  context.log(`crowd: ${JSON.stringify(crowd)}`);
  return { pass: attract.ok && alone.ok && crowd.ok, seed, attract, alone, crowd };
}

/** Makes the node sign `claim` for its link with `other` from now on, whatever it measures. */
function lies(network: Network, liar: number, other: number): void {
  const { flood, links } = network.places[liar].node!;
  const honest = flood.setMeasurement.bind(flood);
  flood.setMeasurement = (link: LinkId, measured: LinkMeasurement) => {
    honest(link, equal(links.peerOf(link), network.places[other].key) ? CLAIMED : measured);
  };
}

function attracted(seed: number, afterwardsMs: number) {
  const wires = [
    { a: 0, b: 1, shape: { delayMs: 5 } },
    { a: 1, b: 2, shape: { delayMs: 150 } },
    { a: 2, b: 5, shape: { delayMs: 5 } },
    ...[3, 4].flatMap((relay) => [
      { a: 0, b: relay, shape: { delayMs: 5 + 5 * relay } },
      { a: relay, b: 5, shape: { delayMs: 5 + 5 * relay } },
    ]),
  ];
  const network = new Network({ seed, nodes: 6, wires, routeCount: 2, world: { traced: false } });
  const { world, laptop, places } = network;
  for (const { index } of places.slice(1)) world.boot(index);
  lies(network, 1, 2);
  lies(network, 2, 1);
  // The records say by then what the liars want the miner to believe.
  world.run(LIES_OUT_MS);
  world.boot(0);
  network.untilLeased();
  const leasedAt = world.now;
  let firstAt: number | undefined;
  let lastAt: number | undefined;
  const sendUntil = leasedAt + afterwardsMs;
  const send = (): void => {
    network.send(100);
    if (world.now < sendUntil) world.at(world.now + PACKET_EVERY_MS, send);
  };
  send();
  for (let at = world.now; at < sendUntil; at += LOOK_EVERY_MS) {
    world.run(at);
    if (!usesNode(network, places[1].key)) continue;
    firstAt ??= world.now;
    lastAt = world.now;
  }
  world.run(sendUntil + 2_000);
  const heldMs = firstAt === undefined || lastAt === undefined ? 0 : lastAt - firstAt + LOOK_EVERY_MS;
  const lost = laptop.sent - laptop.returned;
  const ok = firstAt !== undefined && heldMs <= MEASUREMENT_INTERVAL_MS && lost === 0;
  return { ok, baited: firstAt !== undefined, heldMs, packets: laptop.sent, lost };
}

function usesNode(network: Network, key: NodeKey): boolean {
  const routes = network.miner?.uplink?.session?.status(network.world.now).routes ?? [];
  return routes.some(({ path }) => path?.some((node) => equal(node, key)));
}

/**
 * Node 1 claims 0.1 ms to everybody on wires of 150 ms, and a link with the gateway that there is none of. Its neighbours are honest.
 */
function claimedAlone(seed: number) {
  const wires = [
    { a: 0, b: 1, shape: { delayMs: 150 } },
    { a: 1, b: 2, shape: { delayMs: 150 } },
    { a: 0, b: 2, shape: { delayMs: 20 } },
    { a: 2, b: 3, shape: { delayMs: 20 } },
  ];
  const network = new Network({ seed, nodes: 4, wires, routeCount: 1, world: { traced: false } });
  network.bootAll();
  const { flood } = network.places[1].node!;
  flood.linkUp(NO_LINK, network.places[3].key, 0);
  flood.setMeasurement(NO_LINK, CLAIMED);
  for (const other of [0, 2]) lies(network, 1, other);
  network.untilLeased();
  let used = 0;
  for (let i = 0; i < 120; i++) {
    network.world.run(network.world.now + LOOK_EVERY_MS);
    if (usesNode(network, network.places[1].key)) used++;
  }
  const graph = network.miner!.flood.graph;
  const claimed = graph.recordOf(network.places[1].key)?.links.some(({ key }) => equal(key, network.places[3].key));
  const believed = graph.neighbours(toHex(network.places[3].key)).some(({ key }) => equal(key, network.places[1].key));
  return { ok: used === 0 && claimed === true && !believed, timesUsed: used, claimed, believed };
}
