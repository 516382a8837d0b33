/**
 * Routes over links that lose, reorder and repeat: what was sent comes once or is reported lost, no hop ever has more
 * under way than it was given room for, and no node keeps more than its memory.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equal, toHex } from '../../../src/base/bytes.ts';
import type { RouteHandle } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { BULK, REAL_TIME, RELIABLE, SENT_ONCE } from '../../../src/base/traffic-class.ts';
import { bytesOf, ends, openAs, type Parcel, RouteNetwork, type TestNode } from '../../unit/route/route-network.ts';

const weather = fc.record({
  seed: fc.nat(),
  hops: fc.integer({ min: 1, max: 4 }),
  loss: fc.double({ min: 0, max: 0.5, noNaN: true }),
  ackLoss: fc.double({ min: 0, max: 0.5, noNaN: true }),
  jitterMs: fc.integer({ min: 0, max: 60 }),
  pieceBytes: fc.integer({ min: 200, max: 1_400 }),
  trafficClass: fc.constantFrom(BULK, REAL_TIME),
  deliveryMs: fc.constantFrom(RELIABLE, RELIABLE, 150, 600, SENT_ONCE),
  messages: fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 60 }),
  reply: fc.boolean(),
});

/** Checks each DATA frame against the newest CREDIT that its sender was handed. */
function watchCredit(network: RouteNetwork): void {
  const limits = new Map<string, number>();
  const sent = new Map<string, { total: number; sequences: Set<number> }>();
  for (const node of network.nodes) {
    const { forwarding } = node.layer;
    const heard = forwarding.credit.bind(forwarding);
    forwarding.credit = (link, id, at, limit, now) => {
      const key = `${node.name} ${toHex(id.subarray(at, at + 16))}`;
      limits.set(key, Math.max(limit, limits.get(key) ?? 16_384));
      heard(link, id, at, limit, now);
    };
  }
  const { onParcel } = network;
  network.onParcel = (parcel: Parcel) => {
    onParcel(parcel);
    const { piece } = parcel;
    if (piece === undefined || piece.length === 0) return;
    const key = `${parcel.from} ${toHex(piece.buffer.subarray(0, 16))}`;
    const known = sent.get(key) ?? { total: 0, sequences: new Set() };
    sent.set(key, known);
    if (known.sequences.has(piece.sequence)) return;
    known.sequences.add(piece.sequence);
    known.total += piece.length;
    if (known.total > (limits.get(key) ?? 16_384)) throw new Error(`${key} sends ${known.total} bytes without credit`);
  };
}

function expectEmpty(network: RouteNetwork): void {
  for (const { layer, name } of network.nodes) {
    expect({ name, ...layer.status().memory }).toMatchObject({ usedBytes: 0 });
    expect(layer.status().unfinishedMessages).toBe(0);
  }
}

/** Numbers of what arrived and of what was lost, none of them twice. */
function settled(node: TestNode): { arrived: number[]; lost: number[] } {
  const arrived = node.messages.map(({ number }) => number);
  const lost = node.lost.map(({ number }) => number);
  expect(new Set([...arrived, ...lost]).size).toBe(arrived.length + lost.length);
  return { arrived, lost };
}

describe('store and forward', () => {
  it('brings each message once or reports it lost, within credit, and keeps nothing afterwards', () => {
    fc.assert(
      fc.property(weather, ({ seed, hops, loss, ackLoss, jitterMs, messages, reply, ...w }) => {
        const network = RouteNetwork.chain(hops + 1);
        const random = new SeededRandom(seed, 'weather');
        const { origin, destination } = ends(network);
        network.keepParcels = false;
        network.pieceBytes = w.pieceBytes;
        const promise = { trafficClass: w.trafficClass, deliveryMs: w.deliveryMs };
        const route = openAs(network, promise, ...network.nodes);
        network.run(100);
        for (const node of network.nodes) {
          for (const other of network.nodes) network.measuresOf(node, other).lossShare = loss;
        }
        const delay = (p: number) => () => (random.chance(p) ? undefined : 5 + jitterMs * random.unit());
        network.delayOf = delay(loss);
        network.ackDelayOf = delay(ackLoss);
        if (w.trafficClass === BULK) watchCredit(network);
        const back = destination.incoming[0].route;
        const lanes: [TestNode, RouteHandle, TestNode][] = [[origin, route, destination]];
        if (reply) lanes.push([destination, back, origin]);
        const sent = lanes.map(() => 0);
        for (const [i, length] of messages.entries()) {
          for (const [lane, [from, handle]] of lanes.entries()) {
            for (let tries = 0; tries < 300; tries++) {
              if (from.layer.send(handle, bytesOf(length, i), network.now) === sent[lane]) {
                sent[lane]++;
                break;
              }
              network.run(20);
            }
          }
        }
        network.run(8_000);
        for (const [lane, [, , to]] of lanes.entries()) {
          const { arrived, lost } = settled(to);
          expect(arrived.length + lost.length).toBe(sent[lane]);
          if (w.deliveryMs === RELIABLE) expect(lost).toEqual([]);
          expect(to.messages.every(({ bytes, number }) => equal(bytes, bytesOf(messages[number], number)))).toBe(true);
        }
        if (w.deliveryMs === RELIABLE) expect(sent[0]).toBe(messages.length);
        expectEmpty(network);
      }),
      { numRuns: 100, endOnFailure: true },
    );
  });
});
