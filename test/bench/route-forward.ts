/**
 * What a relay spends on one piece besides the link layer: finding its route, and handing it to the other link under
 * the other id. 100,000 routes, pieces of 1,100 bytes; the link's copy into its send arena is counted as well.
 */

import type { RunResult } from '../../scripts/run-contract.ts';
import { Drops } from '../../src/base/drops.ts';
import type { LinkId, NodeKey, SecretKey } from '../../src/base/ids.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { createIdentity } from '../../src/crypto/identity.ts';
import { nobleCurve } from '../../src/crypto/noble-curve.ts';
import { createPiece } from '../../src/link/piece.ts';
import { RouteLayer } from '../../src/route/route-layer.ts';
import type { LinkPort } from '../../src/route/route-ports.ts';
import type { RouteTable } from '../../src/route/route-table.ts';

export const about = 'nanoseconds that forwarding one piece takes at a relay with 100,000 routes';
export const takes = '2 s';

const ROUTES = 100_000;
const PIECE_BYTES = 1_100;
const ROUNDS = 15;
const PIECES_A_ROUND = 200_000;
const FROM = 0 as LinkId;
const TO = 1 as LinkId;

/** `nsPerPiece`: eight busy routes. `nsPerPieceSpread`: each piece of another route, so nothing is in the caches. */
export function run(): RunResult {
  const random = new SeededRandom(1, 'bench');
  const layer = createLayer(random);
  const ids = fillTable(layer, random);
  const nsPerPiece = measure(layer, ids, 8);
  const nsPerPieceSpread = measure(layer, ids, ROUTES);
  const { forwardedPieces, tableBytes } = layer.status();
  const tableMib = Math.round((tableBytes / 1024 / 1024) * 10) / 10;
  return {
    pass: forwardedPieces === 2 * ROUNDS * PIECES_A_ROUND,
    routes: ROUTES,
    nsPerPiece,
    nsPerPieceSpread,
    tableMib,
  };
}

function createLayer(random: SeededRandom): RouteLayer {
  const layer = new RouteLayer({
    identity: createIdentity(nobleCurve, new Uint8Array(32).fill(1) as SecretKey),
    curve: nobleCurve,
    random,
    links: arenaPort(),
    events: { message: () => {}, incoming: () => 'refused', failed: () => {}, closed: () => {} },
    drops: new Drops(),
    log: { write: () => {} },
    wallMs: () => 0,
  });
  for (const link of [FROM, TO]) layer.linkUp(link, new Uint8Array(33) as NodeKey, 0);
  return layer;
}

/** Copies pieces to where a link would seal them. */
function arenaPort(): LinkPort {
  const arena = new Uint8Array(65_536);
  let at = 0;
  return {
    linkOf: () => undefined,
    sendChannel: () => true,
    sendData: (_link, routeId, routeIdAt, _message, _offset, _last, buffer, start, length) => {
      if (at + 16 + length > arena.length) at = 0;
      for (let i = 0; i < 16; i++) arena[at + i] = routeId[routeIdAt + i];
      arena.set(buffer.subarray(start, start + length), at + 16);
      at += 16 + length;
      return true;
    },
  };
}

/**
 * The incoming forward ids. 100,000 set-ups would cost minutes of point multiplications, so the table is filled
 * directly.
 */
function fillTable(layer: RouteLayer, random: SeededRandom): Uint8Array {
  const { table } = layer as unknown as { table: RouteTable };
  const ids = new Uint8Array(ROUTES * 16);
  random.fill(ids);
  const others = new Uint8Array(48);
  for (let i = 0; i < ROUTES; i++) {
    const slot = table.claim(0, 0);
    random.fill(others);
    table.attach(2 * slot, FROM, ids.subarray(16 * i, 16 * i + 16), others.subarray(0, 16));
    table.attach(2 * slot + 1, TO, others.subarray(16, 32), others.subarray(32, 48));
  }
  return ids;
}

/** Median of the rounds, pieces of `routes` routes in turn. */
function measure(layer: RouteLayer, ids: Uint8Array, routes: number): number {
  const piece = createPiece();
  piece.buffer = new Uint8Array(16 + PIECE_BYTES);
  piece.start = 16;
  piece.length = PIECE_BYTES;
  piece.last = true;
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < PIECES_A_ROUND; i++) {
      const at = 16 * ((i * 7_919) % routes);
      for (let byte = 0; byte < 16; byte++) piece.buffer[byte] = ids[at + byte];
      layer.data(FROM, piece, i);
    }
    rounds.push(Number(process.hrtime.bigint() - start) / PIECES_A_ROUND);
  }
  return Math.round(rounds.sort((a, b) => a - b)[ROUNDS >> 1]);
}
