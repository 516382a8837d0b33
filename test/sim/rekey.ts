/**
 * Key changes under traffic, for hours of virtual time, on wires that lose nothing: every packet must come back.
 *
 *   laptop ── miner ──── relay ──── gateway ── internet
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { Network } from './world/network.ts';

export const about = '10,000 key changes of a link under traffic, and not a packet lost';
export const takes = '30 s, gate 5 s';
export const gate = true;

const REKEYS = 10_000;
const GATE_REKEYS = 1_000;
const CONNECTED_MS = 10_000;
const PACKET_EVERY_MS = 100;
/** Keys change every second while there is traffic; a little later than that by timers and round trips. */
const SLOWEST_REKEY_MS = 1_100;
const SETTLE_MS = 1_000;

export function run(context: RunContext): RunResult {
  const wanted = context.gate ? GATE_REKEYS : REKEYS;
  const wires = [
    { a: 0, b: 1, shape: { delayMs: 5, jitterMs: 2 } },
    { a: 1, b: 2, shape: { delayMs: 5, jitterMs: 2 } },
  ];
  const network = new Network({ seed: 1, nodes: 3, wires, routeCount: 1 });
  const { world, laptop } = network;
  network.bootAll();
  world.run(CONNECTED_MS);
  const until = CONNECTED_MS + wanted * SLOWEST_REKEY_MS;
  for (let at = CONNECTED_MS; at < until; at += PACKET_EVERY_MS) world.at(at, () => network.send(200));
  world.run(until + SETTLE_MS);
  const links = network.places.flatMap(({ node }) => node?.links.status(world.now) ?? []);
  const linkRekeys = Math.min(...links.map(({ session }) => session?.rekeys ?? 0));
  const sessionRekeys = network.miner?.uplink?.session?.status(world.now).rekeys ?? 0;
  return {
    pass: linkRekeys >= wanted && sessionRekeys >= wanted && laptop.returned === laptop.sent && laptop.sent > 0,
    linkRekeys,
    sessionRekeys,
    sent: laptop.sent,
    lost: laptop.sent - laptop.returned,
  };
}
