/**
 * A box on the move, under a download, four shells and a call:
 *
 *   uplinks   its one cable is pulled from one modem and plugged into the other, every 5 s: another network, another address, another neighbour
 *   address   its modem gives it another address, every 5 s, without a word to anybody
 *
 *   laptop ── miner ──┬─ (1) ── relay-a ──┐
 *                     │                   ├── gateway ── internet        either (1) or (2) is plugged in
 *                     └─ (2) ── relay-b ──┘
 *              each 20 Mb/s
 *
 * The node keeps its address (the hash of its key), and the laptop its connections: none is reset.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { takeDhcpLease } from './harness/clients.ts';
import { DemoNetwork, UPLINKS, WEB_ADDRESS } from './harness/demo-topology.ts';
import { spread } from './harness/spread.ts';
import { SteadyTraffic } from './harness/steady-traffic.ts';
import { startStream, TOS_REAL_TIME } from './harness/udp-stream.ts';

export const about =
  'the only uplink moves to another modem every 5 s, or gets another address: no connection is reset';
export const takes = '4 min, gate 1 min';
export const gate = true;

const RATE_MBIT = 20;
const EVERY_MS = 5_000;
const UPLINK_MOVES = 24;
const ADDRESS_MOVES = 12;
const GATE_MOVES = 3;
const SETTLE_MS = 3_000;
const CALL = { packetsPerSecond: 50, bytes: 172, tos: TOS_REAL_TIME, seconds: 3_600 } as const;
/** A new link takes a try of the handshake, which may come half a second late, and a route's set-up. */
const STALL_P95_MS = 1_500;
const FIRST_HOST = 2;
const HOSTS = 100;

export async function run(context: RunContext): Promise<RunResult> {
  const network = new DemoNetwork(context, { rateMbit: RATE_MBIT, fileBytes: 1_000 });
  await network.start();
  await takeDhcpLease(network.laptop, 'eth0');
  network.minerHost.setLink(UPLINKS[1], 'down');
  const uplinks = await underTraffic(network, context.gate ? GATE_MOVES : UPLINK_MOVES, (move) => {
    network.minerHost.setLink(UPLINKS[move % 2], 'down');
    network.minerHost.setLink(UPLINKS[(move + 1) % 2], 'up');
  });
  context.log(`uplinks: ${JSON.stringify(uplinks)}`);
  const plugged = UPLINKS[(context.gate ? GATE_MOVES : UPLINK_MOVES) % 2];
  const net = plugged === UPLINKS[0] ? '10.1.0' : '10.2.0';
  const address = await underTraffic(network, context.gate ? GATE_MOVES : ADDRESS_MOVES, (move) => {
    const { minerHost } = network;
    minerHost.run('ip', 'address', 'flush', 'dev', plugged);
    minerHost.addAddress(plugged, `${net}.${FIRST_HOST + ((move + 1) % HOSTS)}/24`);
  });
  context.log(`address: ${JSON.stringify(address)}`);
  return { pass: uplinks.good && address.good, uplinks, address };
}

/** Moves every 5 s; `move` counts from 0. */
async function underTraffic(network: DemoNetwork, moves: number, make: (move: number) => void) {
  const { laptop, internetHost } = network;
  const traffic = await SteadyTraffic.start(laptop, internetHost, WEB_ADDRESS);
  const call = startStream({ client: laptop, server: internetHost, address: WEB_ADDRESS, direction: 'down', ...CALL });
  await pause(SETTLE_MS);
  const stalls: number[] = [];
  for (let move = 0; move < moves; move++) {
    const from = Date.now();
    make(move);
    await pause(EVERY_MS);
    stalls.push(traffic.longestStall(from, Date.now()));
  }
  const { lost, longestLossRun } = await call.end();
  const { bytes, echoes } = await traffic.stop();
  const stallMs = spread(stalls);
  return {
    good: traffic.lost.length === 0 && stallMs.p95 <= STALL_P95_MS && bytes > 0,
    moves,
    connectionsLost: traffic.lost,
    stallMs,
    echoMs: spread(echoes),
    call: { lost, longestLossRun },
    downloadedMb: Math.round(bytes / 1e6),
  };
}
