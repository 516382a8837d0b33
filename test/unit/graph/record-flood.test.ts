import { describe, expect, it } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import type { LinkId, ServiceKey } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { signProof } from '../../../src/graph/proof-signature.ts';
import { RECORD_HOPS } from '../../../src/graph/tuning.ts';
import { NO_ADVERT } from '../../../src/wire/gateway-advert.ts';
import { parseProof } from '../../../src/wire/proof.ts';
import { parseRecord } from '../../../src/wire/record.ts';
import { FloodNetwork, type FloodNode, identityOf, recordOf, WALL_START_MS } from './flood-network.ts';

/** When a node sent anew signed records of itself to a neighbour. */
function ownRecordsSent(network: FloodNetwork, from: FloodNode, to: FloodNode): { at: number; sequence: number }[] {
  const seen = new Map<number, number>();
  for (const sent of network.sent) {
    if (sent.from !== from || sent.to !== to) continue;
    for (const { record } of sent.records) {
      const { node, sequence } = parseRecord(record)!;
      if (node.every((byte, i) => byte === from.identity.key[i]) && !seen.has(sequence)) seen.set(sequence, sent.at);
    }
  }
  return [...seen].map(([sequence, at]) => ({ sequence, at }));
}

describe('records', () => {
  it('tell every node within 10 hops who is linked with whom, and none beyond', () => {
    const network = FloodNetwork.chain(13);
    network.run(3_000);
    const all = network.nodes.map((_, index) => index);
    expect(network.nodes.map((node) => network.known(node))).toEqual(
      all.map((at) => all.filter((other) => Math.abs(other - at) <= RECORD_HOPS)),
    );
  });

  it('travel their 10 hops by the shortest way, even when they came over a longer one first', () => {
    //   0 ── 1 ── 2 ── 3 ── 4 ── .. ── 11      and 0 ── 3 which is slow
    const network = FloodNetwork.chain(12);
    network.connect(network.nodes[0], network.nodes[3]);
    network.delayOf = (from, to) => (from.index + to.index === 3 && from.index * to.index === 0 ? 400 : 5);
    network.run(300);
    expect(network.known(network.nodes[11])).not.toContain(0);
    network.run(1_000);
    expect(network.known(network.nodes[11])).toContain(0);
  });

  it('reach everybody over links that lose a third of all messages', () => {
    const network = FloodNetwork.chain(5);
    network.connect(network.nodes[0], network.nodes[4]);
    const weather = new SeededRandom(4, 'weather');
    network.delayOf = () => (weather.chance(0.33) ? undefined : 5 + 50 * weather.unit());
    network.run(40_000);
    expect(network.agreed()).toBe(true);
  });

  it('are repeated after 500 ms, doubling to 8 s, until they are acknowledged', () => {
    const network = FloodNetwork.chain(2, { renewSpreadShare: 0 });
    const [a, b] = network.nodes;
    network.delayOf = () => undefined;
    network.run(40_000);
    const times = network.sent.filter(({ from, records }) => from === a && records.length > 0).map(({ at }) => at);
    expect(times).toEqual([0, 500, 1_500, 3_500, 7_500, 15_500, 23_500, 31_500, 39_500]);
    network.delayOf = () => 5;
    network.run(9_000);
    const before = network.sent.length;
    network.run(10_000);
    expect(network.sent.length).toBe(before);
    expect(network.known(b)).toEqual([0, 1]);
  });

  it('are not sent back to where they came from, nor to whom they speak of', () => {
    const network = FloodNetwork.chain(3);
    network.run(5_000);
    for (const { to, records } of network.sent) {
      for (const { record } of records) expect(parseRecord(record)!.node).not.toEqual(to.identity.key);
    }
    const [a, b] = network.nodes;
    const echoes = network.sent.filter(({ from, to, records }) => from === b && to === a && records.length > 0);
    expect(echoes.length).toBeLessThanOrEqual(4);
  });

  it('go on being sent with 16 under way at most, as fast as they are acknowledged', () => {
    const network = FloodNetwork.chain(2, { recordsUnderWay: 2, verifiedAtOnce: 100 });
    const [a, b] = network.nodes;
    network.run(100);
    for (let i = 10; i < 20; i++) network.inject(b, a, { hopsLeft: 4, record: recordOf(i) });
    const late = network.add();
    network.connect(a, late);
    network.delayOf = () => undefined;
    network.run(1);
    const sent = network.sent.filter(({ to }) => to === late).flatMap(({ records }) => records);
    expect(sent.length).toBe(2);
    network.delayOf = () => 5;
    network.run(3_000);
    const known = Array.from({ length: 10 }, (_, i) => late.flood.graph.recordOf(identityOf(10 + i).key));
    expect(known.every((record) => record !== undefined)).toBe(true);
  });
});

describe('the own record', () => {
  it('is signed at once when the first link is up, then at most once a second', () => {
    const network = new FloodNetwork();
    const [hub, ...others] = Array.from({ length: 5 }, () => network.add());
    for (const other of others) {
      network.connect(hub, other);
      network.run(200);
    }
    network.run(3_000);
    const sent = ownRecordsSent(network, hub, others[0]);
    expect(sent.map(({ at }) => at)).toEqual([0, 1_000]);
    expect(hub.flood.graph.neighbours(toHex(hub.identity.key)).length).toBe(4);
  });

  it('is renewed every 45 to 60 s, not by all at once, and so stays with the others', () => {
    const network = FloodNetwork.chain(2);
    const [a, b] = network.nodes;
    network.run(600_000);
    const times = ownRecordsSent(network, a, b).map(({ at }) => at);
    const gaps = times.slice(1).map((at, i) => at - times[i]);
    // Sent within 2 s of being signed.
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(43_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(62_000);
    expect(new Set(gaps).size).toBeGreaterThan(5);
    expect(network.known(b)).toEqual([0, 1]);
  });

  it('is renewed, and told for what was measured, the more seldom the more nodes there are, and stays with the others', () => {
    const network = FloodNetwork.chain(3, { renewAfterMsPerNode: 60_000, renewSpreadShare: 0, gatherMs: 0 });
    const [a, b, c] = network.nodes;
    network.run(1_000);
    const measured = { rateKbps: 0, lossShare: 0, medium: 'unknown' } as const;
    a.flood.setMeasurement(b.index as LinkId, { ...measured, roundTripMs: 5 });
    network.run(500_000);
    const times = ownRecordsSent(network, a, b).map(({ at }) => Math.round(at / 1_000));
    // 60 s when it knew itself alone, 180 s from then on.
    expect(times).toEqual([0, 10, 190, 370]);
    expect(network.known(c)).toEqual([0, 1, 2]);
  });

  it('crosses a link in one direction, mostly, when it is only renewed', () => {
    //   0 ── 1 ── 2 and 0 ── 2
    const network = FloodNetwork.chain(3);
    network.connect(network.nodes[0], network.nodes[2]);
    network.run(30_000);
    const before = network.sent.length;
    network.run(600_000);
    const sent = network.sent.slice(before).flatMap(({ records }) => records);
    const records = new Set(sent.map(({ record }) => toHex(record)));
    // The link of 1 and 2 would carry it both ways if both were to send it at once.
    expect(sent.length).toBeGreaterThanOrEqual(3 * records.size - 3);
    expect(sent.length).toBeLessThan(3.5 * records.size);
  });

  it('says that it is a gateway, and what that says of itself', () => {
    const network = FloodNetwork.chain(3);
    const [a, , c] = network.nodes;
    const key = new Uint8Array(33).fill(9) as ServiceKey;
    a.flood.setGateway(key, NO_ADVERT);
    network.run(100);
    expect(c.flood.graph.gateways()).toEqual([{ node: a.identity.key, service: key, advert: NO_ADVERT }]);
    const signed = ownRecordsSent(network, a, network.nodes[1]).length;
    a.flood.setGateway(key, { ...NO_ADVERT, load: 0.5 });
    a.flood.setGateway(key, { ...NO_ADVERT, load: 0.5 });
    network.run(3_100);
    expect(c.flood.graph.gateways()[0].advert.load).toBe(0.5);
    expect(ownRecordsSent(network, a, network.nodes[1])).toHaveLength(signed + 1);
  });

  it('is signed anew for a round trip only when it moved by 30 % and 2 ms, and every 10 s at most', () => {
    const network = FloodNetwork.chain(2, { renewSpreadShare: 0 });
    const [a, b] = network.nodes;
    const roundTrip = (ms: number): void =>
      a.flood.setMeasurement(b.index as LinkId, { roundTripMs: ms, rateKbps: 0, lossShare: 0, medium: 'unknown' });
    roundTrip(5);
    network.run(20_000);
    for (const ms of [6.4, 3.6, 6.9]) {
      roundTrip(ms);
      network.run(15_000);
    }
    expect(ownRecordsSent(network, a, b).map(({ at }) => at)).toEqual([0, 60_000]);
    roundTrip(20);
    network.run(1_000);
    roundTrip(40);
    network.run(30_000);
    expect(ownRecordsSent(network, a, b).map(({ at }) => at)).toEqual([0, 60_000, 70_000]);
    expect(b.flood.graph.recordOf(a.identity.key)?.links[0].roundTripMs).toBe(40);
  });

  it('is signed anew for a rate that doubled and for 5 % more loss, and counts with the worse of what both ends say', () => {
    const network = FloodNetwork.chain(2);
    const [a, b] = network.nodes;
    const measured = (rateKbps: number, lossShare: number): void =>
      a.flood.setMeasurement(b.index as LinkId, { roundTripMs: 5, rateKbps, lossShare, medium: 'lan' });
    measured(4_096, 0.01);
    b.flood.setMeasurement(a.index as LinkId, { roundTripMs: 5, rateKbps: 65_536, lossShare: 0.02, medium: 'wifi' });
    network.run(15_000);
    const signed = ownRecordsSent(network, a, b).length;
    for (const [rateKbps, lossShare] of [
      [8_000, 0.01],
      [2_100, 0.055],
    ]) {
      measured(rateKbps, lossShare);
      network.run(11_000);
    }
    expect(ownRecordsSent(network, a, b)).toHaveLength(signed);
    const link = () => b.flood.graph.neighbours(toHex(a.identity.key))[0];
    expect(link()).toMatchObject({ rateKbps: 4_096, lossShare: 0.02 });
    measured(131_072, 0.01);
    network.run(11_000);
    expect(link()).toMatchObject({ rateKbps: 65_536, lossShare: 0.02 });
    measured(131_072, 0.5);
    network.run(11_000);
    expect(link()).toMatchObject({ rateKbps: 65_536, lossShare: 0.5 });
    expect(ownRecordsSent(network, a, b).length).toBe(signed + 2);
  });

  it('says over what a link goes and what its node takes, of which a link has half from each end', () => {
    const network = FloodNetwork.chain(2);
    const [a, b] = network.nodes;
    const measured = { roundTripMs: 5, rateKbps: 0, lossShare: 0 };
    b.flood.setMeasurement(a.index as LinkId, { ...measured, medium: 'wifi' });
    a.flood.setMeasurement(b.index as LinkId, { ...measured, medium: 'lan' });
    a.flood.setPrice(16);
    network.run(15_000);
    const link = () => b.flood.graph.neighbours(toHex(a.identity.key))[0];
    expect(link()).toMatchObject({ medium: 'unknown', price: 8 });
    a.flood.setMeasurement(b.index as LinkId, { ...measured, medium: 'wifi' });
    b.flood.setPrice(4);
    network.run(15_000);
    expect(link()).toMatchObject({ medium: 'wifi', price: 10 });
  });

  it('is signed anew when a link begins or ends to be a detour', () => {
    const network = FloodNetwork.chain(2);
    const [a, b] = network.nodes;
    network.run(10_000);
    const detour = (): boolean | undefined => b.flood.graph.recordOf(a.identity.key)?.links[0].detour;
    a.flood.setDetour(b.index as LinkId, true);
    network.run(100);
    expect(detour()).toBe(true);
    expect(a.flood.graph.neighbours(toHex(a.identity.key))[0].detour).toBe(true);
    a.flood.setDetour(b.index as LinkId, false);
    network.run(2_000);
    expect(detour()).toBe(false);
  });

  it('goes above what others hold when the clock was set back and the node forgot', () => {
    const network = FloodNetwork.chain(3);
    const [a, b, c] = network.nodes;
    network.run(10_000);
    const before = c.flood.graph.recordOf(a.identity.key)!.sequence;
    network.restart(a);
    // Within what expiry allows: 20 s back.
    a.clockErrorMs = -20_000;
    network.connect(a, b);
    network.run(5_000);
    const after = c.flood.graph.recordOf(a.identity.key)!;
    expect(after.sequence).toBeGreaterThan(before);
    expect(after.sequence).toBeLessThan(before + 10);
    expect(network.agreed()).toBe(true);
  });

  it('is not moved by what somebody else signed in its name', () => {
    const network = FloodNetwork.chain(2);
    const [a, b] = network.nodes;
    network.run(100);
    const forged = recordOf(0, { sequence: WALL_START_MS + 1_000_000 });
    forged[forged.length - 1] ^= 1;
    network.inject(b, a, { hopsLeft: 4, record: forged });
    network.run(5_000);
    expect(a.drops.get('graph-signature')).toBe(1);
    expect(ownRecordsSent(network, a, b).length).toBe(1);
  });
});

describe('a record that is heard', () => {
  function pair(tuning = {}): { network: FloodNetwork; a: FloodNode; b: FloodNode } {
    const network = FloodNetwork.chain(2, tuning);
    network.run(300);
    return { network, a: network.nodes[0], b: network.nodes[1] };
  }

  it.each([
    ['is expired', { expiry: WALL_START_MS / 1000 - 1 }],
    ['expires more than 900 s ahead', { expiry: WALL_START_MS / 1000 + 902 }],
  ])('and %s is not kept, but acknowledged', (_, fields) => {
    const { network, a, b } = pair();
    network.inject(b, a, { hopsLeft: 4, record: recordOf(5, fields) });
    expect(a.drops.get('graph-record-expiry')).toBe(1);
    network.run(100);
    expect(network.sent.at(-1)!.acks).toMatchObject([{ sequence: WALL_START_MS }]);
    expect(a.flood.graph.recordOf(identityOf(5).key)).toBeUndefined();
  });

  it('brings proofs, each checked once, and with a forged one is neither kept nor acknowledged', () => {
    const { network, a, b } = pair();
    const proofOf = (prober: number) => {
      const said = { node: identityOf(5).key, family: 4 as const, time: WALL_START_MS / 1_000 };
      return signProof(nobleCurve, identityOf(prober), new SeededRandom(prober, 'proof'), said);
    };
    const forged = parseProof(flip(proofOf(7).bytes, 70))!;
    const before = network.sent.length;
    network.inject(b, a, { hopsLeft: 4, record: recordOf(5, { proofs: [proofOf(6), forged] }) });
    network.run(100);
    expect(a.drops.toJSON()).toEqual({ 'graph-proof-signature': 1 });
    expect(network.sent.length).toBe(before);
    const proofs = [proofOf(6), proofOf(7)];
    for (let i = 0; i < 3; i++) {
      network.inject(b, a, { hopsLeft: 4, record: recordOf(5, { proofs, sequence: WALL_START_MS + i }) });
    }
    const { graph } = a.flood;
    expect(graph.proofsOf(graph.numberOf(toHex(identityOf(5).key))!)).toEqual(proofs);
    expect(a.drops.toJSON()).toEqual({ 'graph-proof-signature': 1 });
  });

  it('counts each proof in it as a signature of the neighbour', () => {
    const { network, a, b } = pair({ verifiedAtOnce: 3, verifiedPerSecondAndLink: 0.001 });
    const said = { node: identityOf(5).key, family: 4 as const, time: WALL_START_MS / 1_000 };
    const proofs = [6, 7].map((prober) =>
      signProof(nobleCurve, identityOf(prober), new SeededRandom(prober, 'proof'), said),
    );
    network.inject(b, a, { hopsLeft: 4, record: recordOf(5, { proofs }) });
    expect(a.drops.get('graph-verify-rate')).toBe(1);
    expect(a.flood.graph.recordOf(identityOf(5).key)).toBeUndefined();
  });

  it('and is wrongly signed is neither kept nor acknowledged', () => {
    const { network, a, b } = pair();
    const before = network.sent.length;
    const record = recordOf(5);
    record[50] ^= 1;
    network.inject(b, a, { hopsLeft: 4, record: record.slice(0, -1) }, { hopsLeft: 4, record: flip(recordOf(5), 45) });
    network.run(100);
    expect(a.drops.toJSON()).toEqual({ 'graph-record-malformed': 1, 'graph-signature': 1 });
    expect(network.sent.length).toBe(before);
  });

  it.each([0, 11, 255])('with %d hops left is refused', (hopsLeft) => {
    const { network, a, b } = pair();
    network.inject(b, a, { hopsLeft, record: recordOf(5) });
    expect(a.drops.toJSON()).toEqual({ 'graph-record-malformed': 1 });
  });

  it('with the sequence that is known is compared, not verified again', () => {
    const { network, a, b } = pair({ verifiedAtOnce: 4, verifiedPerSecondAndLink: 0.001 });
    const record = recordOf(5);
    for (let i = 0; i < 50; i++) network.inject(b, a, { hopsLeft: 4, record });
    expect(a.drops.toJSON()).toEqual({});
    network.inject(b, a, { hopsLeft: 4, record: flip(record, record.length - 1) });
    expect(a.drops.toJSON()).toEqual({ 'graph-record-forked': 1 });
  });

  it('and is older than the known one is answered with that one', () => {
    const { network, a, b } = pair();
    network.inject(b, a, { hopsLeft: 4, record: recordOf(5, { sequence: WALL_START_MS + 5 }) });
    network.inject(b, a, { hopsLeft: 4, record: recordOf(5, { sequence: WALL_START_MS + 4 }) });
    expect(a.drops.toJSON()).toEqual({ 'graph-record-stale': 1 });
    network.run(1);
    const answer = network.sent.filter(({ from }) => from === a).flatMap(({ records }) => records);
    expect(parseRecord(answer.at(-1)!.record)!.sequence).toBe(WALL_START_MS + 5);
  });

  it('is verified at most so many times a second and link; the rest comes again', () => {
    const { network, a, b } = pair({ verifiedAtOnce: 4, verifiedPerSecondAndLink: 2 });
    // One of the four went to the record of the neighbour itself.
    network.run(5_000);
    for (let i = 10; i < 20; i++) network.inject(b, a, { hopsLeft: 4, record: recordOf(i) });
    expect(a.drops.get('graph-verify-rate')).toBe(6);
    expect(a.flood.graph.size).toBe(2 + 4);
    network.run(1_000);
    for (let i = 10; i < 20; i++) network.inject(b, a, { hopsLeft: 4, record: recordOf(i) });
    expect(a.flood.graph.size).toBe(2 + 6);
  });

  it.each([
    [6, []],
    [5, [7]],
  ])(
    'that a neighbour brings with %d hops left is told to it where it could go on farther from there',
    (hopsLeft, told) => {
      const network = FloodNetwork.chain(3);
      const [b, a, c] = network.nodes;
      network.run(5_000);
      const before = network.sent.length;
      // What is told to c at once is lost.
      network.delayOf = (_, to) => (to === c ? undefined : 5);
      const record = recordOf(5);
      network.inject(b, a, { hopsLeft: 8, record });
      network.inject(c, a, { hopsLeft, record });
      network.run(100);
      const lost = network.sent.length;
      expect(lost).toBeGreaterThan(before);
      network.run(2_000);
      const again = network.sent.slice(lost).filter(({ from, to }) => from === a && to === c);
      const hops = again.flatMap(({ records }) => records.map((entry) => entry.hopsLeft));
      expect([...new Set(hops)]).toEqual(told);
    },
  );

  it('goes when it has expired, and whoever listens is told', () => {
    const { network, a, b } = pair();
    network.inject(b, a, { hopsLeft: 1, record: recordOf(5) });
    network.run(90_000);
    expect(a.flood.graph.recordOf(identityOf(5).key)).toBeDefined();
    const changes = a.changes.length;
    network.run(12_000);
    expect(a.flood.graph.recordOf(identityOf(5).key)).toBeUndefined();
    expect(a.drops.get('graph-record-expired')).toBe(1);
    expect(a.changes.length).toBe(changes + 1);
  });

  it('stays when only the wall clock jumps', () => {
    const { network, a, b } = pair();
    network.inject(b, a, { hopsLeft: 1, record: recordOf(5) });
    a.clockErrorMs = 3_600_000;
    network.run(20_000);
    expect(a.flood.graph.recordOf(identityOf(5).key)).toBeDefined();
  });

  it('from a link that is not up, or in a message that does not parse, is dropped', () => {
    const { network, a } = pair();
    const stranger = network.add();
    network.inject(stranger, a, { hopsLeft: 4, record: recordOf(5) });
    for (const kind of [5, 6]) a.flood.receive(1 as LinkId, Uint8Array.of(kind, 1, 2), network.now);
    expect(a.drops.toJSON()).toEqual({ 'graph-link-unknown': 1, 'graph-records-malformed': 2 });
  });

  it('is acknowledged in bounded memory, however many come before a drain', () => {
    const { network, a, b } = pair({ acksInMessage: 8 });
    const record = recordOf(5);
    const before = network.sent.length;
    for (let i = 0; i < 100; i++) network.inject(b, a, { hopsLeft: 4, record });
    expect(network.sent.length).toBe(before + 12);
    expect(network.sent.at(-1)!.acks.length).toBe(8);
  });
});

describe('the store of records', () => {
  it('never holds more than its limit, and a flood through one link leaves what came through others', () => {
    const network = new FloodNetwork({ maxRecords: 20, verifiedAtOnce: 1_000 });
    const [self, good, bad] = Array.from({ length: 3 }, () => network.add());
    network.connect(self, good);
    network.connect(self, bad);
    network.run(2_000);
    for (let i = 10; i < 16; i++) network.inject(good, self, { hopsLeft: 1, record: recordOf(i) });
    for (let i = 20; i < 80; i++) network.inject(bad, self, { hopsLeft: 4, record: recordOf(i) });
    expect(self.flood.graph.size).toBe(20);
    const held = (i: number): boolean => self.flood.graph.recordOf(identityOf(i).key) !== undefined;
    expect([10, 11, 12, 13, 14, 15].every(held)).toBe(true);
    expect([good, bad, self].every(({ identity }) => self.flood.graph.recordOf(identity.key) !== undefined)).toBe(true);
    expect(self.drops.get('graph-store-full')).toBeGreaterThan(0);
    // And newcomers through the good link still find room, at the cost of the flood.
    network.inject(good, self, { hopsLeft: 1, record: recordOf(16) });
    expect(held(16)).toBe(true);
    expect(self.drops.get('graph-record-evicted')).toBe(1);
  });
});

describe('whoever listens to changes', () => {
  it('hears of links and services, not of renewals, and at most every 100 ms', () => {
    const network = FloodNetwork.chain(3);
    const [a, b] = network.nodes;
    network.run(5_000);
    const settled = a.changes.length;
    expect(settled).toBeGreaterThan(0);
    network.run(200_000);
    expect(a.changes.length).toBe(settled);
    for (let i = 10; i < 15; i++) network.inject(b, a, { hopsLeft: 1, record: recordOf(i, freshFields(network)) });
    network.run(50);
    for (let i = 15; i < 20; i++) network.inject(b, a, { hopsLeft: 1, record: recordOf(i, freshFields(network)) });
    network.run(200);
    expect(a.changes.length).toBe(settled + 2);
    expect(a.changes.at(-1)! - a.changes.at(-2)!).toBe(100);
  });
});

function freshFields(network: FloodNetwork): { expiry: number } {
  return { expiry: Math.floor((WALL_START_MS + network.now) / 1000) + 100 };
}

function flip(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
}
