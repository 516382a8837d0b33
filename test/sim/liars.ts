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
 * - clearnet: nodes that claim to be on the internet by a second key of their own, their own signature, somebody else's proof, one of yesterday. Nobody
 *   believes any of them, and everybody believes the two that honest nodes proved. What is known to be left: two nodes that lie together and were
 *   both taken in by honest ones.
 * - crowd: strangers by the dozen on the segment of a box, before and after its good neighbour: the good one is never put out, it gets its
 *   place also after a restart, and is never forgotten.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { equal, toHex } from '../../src/base/bytes.ts';
import type { LinkId, NodeKey } from '../../src/base/ids.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { Clearnet } from '../../src/graph/clearnet.ts';
import type { LinkMeasurement } from '../../src/graph/own-record.ts';
import { signProof } from '../../src/graph/proof-signature.ts';
import { Crowd } from './world/crowd.ts';
import { FloodWorld } from './world/flood-world.ts';
import { Network } from './world/network.ts';

export const about =
  'liars attract no traffic for longer than 4 s, fake no link and no address on the internet, and put no good neighbour out';
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
const CLAIMED: LinkMeasurement = { roundTripMs: 0.1, rateKbps: 1_000_000, lossShare: 0, medium: 'lan' };

export function run(context: RunContext): RunResult {
  const seed = Number(context.args[0] ?? 1);
  const attract = attracted(seed, context.gate ? GATE_AFTERWARDS_MS : AFTERWARDS_MS);
  context.log(`attract: ${JSON.stringify(attract)}`);
  const alone = claimedAlone(seed);
  context.log(`alone: ${JSON.stringify(alone)}`);
  const clearnet = claimedClearnet(seed);
  context.log(`clearnet: ${JSON.stringify(clearnet)}`);
  const crowd = new Crowd(seed, context.gate ? GATE_CROWD_WAVES : CROWD_WAVES).run();
  context.log(`crowd: ${JSON.stringify(crowd)}`);
  return { pass: attract.ok && alone.ok && clearnet.ok && crowd.ok, seed, attract, alone, clearnet, crowd };
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

/** Ten honest nodes in a ring, and liars on it. */
function claimedClearnet(seed: number) {
  const world = new FloodWorld(seed, 17);
  const { hosts } = world;
  const honest = hosts.slice(0, 10);
  const [reached, reachedToo] = [4, 6];
  const [accomplice, hisSecond, thief, late, proud, one, other] = [10, 11, 12, 13, 14, 15, 16];
  const ring = honest.map((_, i): [number, number] => [i, (i + 1) % honest.length]);
  const liars: [number, number][] = [
    [3, accomplice],
    [accomplice, hisSecond],
    [5, thief],
    [7, late],
    [9, proud],
    [2, one],
    [8, other],
    [one, other],
  ];
  for (const [a, b] of [...ring, ...liars]) world.connect(hosts[a], hosts[b]);
  const random = new SeededRandom(seed, 'proofs');
  const nowS = Math.floor(world.wallMs() / 1_000);
  const prove = (node: number, prober: number, time = nowS) =>
    signProof(world.curve, hosts[prober].identity, random, { node: hosts[node].identity.key, family: 4, time });
  hosts[reached].flood.setProofs([prove(reached, 7)]);
  hosts[reachedToo].flood.setProofs([prove(reachedToo, 1)]);
  hosts[accomplice].flood.setProofs([prove(accomplice, hisSecond)]);
  hosts[thief].flood.setProofs([prove(reached, 7)]);
  hosts[late].flood.setProofs([prove(late, 1, nowS - 86_400)]);
  hosts[proud].flood.setProofs([prove(proud, proud)]);
  hosts[one].flood.setProofs([prove(one, other)]);
  world.run(20_000);
  const nameOf = (key: NodeKey) => hosts.findIndex(({ identity }) => equal(identity.key, key));
  const believedBy = honest.map(({ identity, flood }) => {
    return new Clearnet(flood.graph, identity.key, () => world.wallMs()).nearest(world.now).map(nameOf);
  });
  const believed = [...new Set(believedBy.flat())].sort((a, b) => a - b);
  const rightly = believedBy.every((nodes, self) => {
    return [reached, reachedToo].every((node) => node === self || nodes.includes(node));
  });
  const liesBelieved = believed.filter((node) => node >= honest.length && node !== one);
  const ok = rightly && liesBelieved.length === 0;
  return { ok, liesBelieved, believedTogether: believed.includes(one) };
}
