/**
 * What a relay spends on one piece of 1,400 bytes besides the link layer, from a DATA frame to its acknowledgement: finding
 * its route, copying it into the store, scheduling, copying it to where a link would seal it, forgetting it, and giving
 * its room back. 100,000 routes; pieces in batches of 32, as a link reads and sends them.
 */

import type { RunResult } from '../../scripts/run-contract.ts';
import { Drops } from '../../src/base/drops.ts';
import type { LinkId, NodeKey, SecretKey } from '../../src/base/ids.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { BULK, RELIABLE } from '../../src/base/traffic-class.ts';
import { createIdentity } from '../../src/crypto/identity.ts';
import { nobleCurve } from '../../src/crypto/noble-curve.ts';
import { createOutgoingFrame } from '../../src/link/frame-source.ts';
import { createPiece } from '../../src/link/piece.ts';
import type { RouteContext } from '../../src/route/route-context.ts';
import { RouteLayer } from '../../src/route/route-layer.ts';
import type { LinkPort } from '../../src/route/route-ports.ts';

import { quietMeasures } from '../helpers/quiet-link.ts';

export const about = 'nanoseconds that storing and forwarding one piece takes at a relay with 100,000 routes';
export const takes = '2 s';

const ROUTES = 100_000;
const PIECE_BYTES = 1_400;
const BATCH = 32;
const ROUNDS = 15;
const PIECES_A_ROUND = 64_000;
const FRAME_BYTES = PIECE_BYTES + 30;
/** More than all that passes. */
const UNLIMITED = 2 ** 50;
const FROM = 0 as LinkId;
const TO = 1 as LinkId;

/** `nsPerPiece`: eight busy routes. `nsPerPieceSpread`: each piece of another route, so nothing is in the caches. */
export function run(): RunResult {
  const random = new SeededRandom(1, 'bench');
  const layer = createLayer(random);
  const ids = fillTable(layer, random);
  const sequences = new Uint32Array(ROUTES);
  const nsPerPiece = measure(layer, ids, 8, sequences);
  const nsPerPieceSpread = measure(layer, ids, ROUTES, sequences);
  const { forwardedPieces, tableBytes, memory } = layer.status();
  const tableMib = Math.round((tableBytes / 1024 / 1024) * 10) / 10;
  return {
    pass: forwardedPieces === 2 * ROUNDS * PIECES_A_ROUND && memory.usedBytes === 0,
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
    links: idlePort(),
    events: {
      message: () => {},
      lost: () => {},
      writable: () => {},
      incoming: () => 'refused',
      failed: () => {},
      closed: () => {},
    },
    drops: new Drops(),
    log: { write: () => {} },
    wallMs: () => 0,
  });
  for (const link of [FROM, TO]) layer.linkUp(link, new Uint8Array(33) as NodeKey, 0);
  return layer;
}

/** A link that the benchmark plays itself. */
function idlePort(): LinkPort {
  const measures = quietMeasures(FRAME_BYTES);
  const nothing = () => {};
  return {
    linkOf: () => undefined,
    sendChannel: () => true,
    sendable: nothing,
    askLoad: nothing,
    measures: () => measures,
  };
}

/**
 * The incoming forward ids. 100,000 set-ups would cost minutes of point multiplications, so the table is filled
 * directly.
 */
function fillTable(layer: RouteLayer, random: SeededRandom): Uint8Array {
  const { table, flows } = (layer as unknown as { context: RouteContext }).context;
  const ids = new Uint8Array(ROUTES * 16);
  random.fill(ids);
  const others = new Uint8Array(48);
  for (let i = 0; i < ROUTES; i++) {
    const slot = table.claim(0, 0);
    flows.begin(slot);
    table.setPromise(slot, BULK, RELIABLE);
    random.fill(others);
    table.attach(2 * slot, FROM, ids.subarray(16 * i, 16 * i + 16), others.subarray(0, 16));
    table.attach(2 * slot + 1, TO, others.subarray(16, 32), others.subarray(32, 48));
    layer.forwarding.credit(TO, others, 32, UNLIMITED, 0);
  }
  return ids;
}

/** Median of the rounds, pieces of `routes` routes in turn. */
function measure(layer: RouteLayer, ids: Uint8Array, routes: number, sequences: Uint32Array): number {
  const piece = createPiece();
  piece.buffer = new Uint8Array(16 + PIECE_BYTES);
  piece.start = 16;
  piece.length = PIECE_BYTES;
  piece.last = true;
  const rounds: number[] = [];
  let now = 1;
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < PIECES_A_ROUND; i += BATCH) {
      now += 0.5;
      for (let j = i; j < i + BATCH; j++) {
        const route = (j * 7_919) % routes;
        for (let byte = 0; byte < 16; byte++) piece.buffer[byte] = ids[16 * route + byte];
        piece.sequence = sequences[route]++;
        if (!layer.forwarding.data(FROM, piece, now)) throw new Error('a piece was refused');
      }
      relay(layer, now);
    }
    rounds.push(Number(process.hrtime.bigint() - start) / PIECES_A_ROUND);
  }
  return Math.round(rounds.sort((a, b) => a - b)[ROUNDS >> 1]);
}

const tokens = new Float64Array(BATCH);
const frame = createOutgoingFrame();
const arena = new Uint8Array(BATCH * FRAME_BYTES);

/** Takes the pieces out as a link does, and has them acknowledged; CREDIT goes back. */
function relay(layer: RouteLayer, now: number): void {
  const { forwarding } = layer;
  for (let i = 0; i < BATCH; i++) {
    tokens[i] = forwarding.next(TO, FRAME_BYTES, now, frame);
    if (tokens[i] < 0) throw new Error('a piece is missing');
    arena.set(frame.buffer.subarray(frame.start, frame.start + frame.length), i * FRAME_BYTES);
  }
  forwarding.acked(TO, tokens, BATCH, now);
  while (forwarding.nextControl(FROM, FRAME_BYTES, now, frame) >= 0) arena[0] = frame.limit;
}
