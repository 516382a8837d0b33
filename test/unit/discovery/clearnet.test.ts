/** How a node has it proven that the internet reaches it: the four who take part. */
import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import type { NodeKey } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { addressHash } from '../../../src/crypto/address.ts';
import { DISCOVERY_TUNING } from '../../../src/discovery/tuning.ts';
import { isProofSigned, signProof } from '../../../src/graph/proof-signature.ts';
import { PROOF_LIFE_S } from '../../../src/graph/tuning.ts';
import {
  encodeMeet,
  encodeProbe,
  encodeProbeMe,
  encodeSeek,
  parseNodePlace,
  parseSeek,
} from '../../../src/wire/meeting.ts';
import { encodeProofMessage, parseProofMessage } from '../../../src/wire/proof.ts';
import { ipv4Endpoint, linkLocal } from './endpoints.ts';
import { curve, DiscoveringBox, IPV4_SOCKET, identityOf, WALL_MS } from './segment-network.ts';

const [node, common, prober, stranger] = ['node', 'common', 'prober', 'stranger'].map((name) => identityOf(name).key);
const NODE_PLACE = ipv4Endpoint(0xc6336401, 40_001);
const PROBER_PLACE = ipv4Endpoint(0xcb007102, 40_002);
const PROBE_ME = encodeProbeMe();

function saidTo(box: DiscoveringBox, key: NodeKey): Uint8Array[] {
  return box.messages.filter(({ to }) => to === toHex(key)).map(({ message }) => message);
}

function proofsTo(box: DiscoveringBox, key: NodeKey): Uint8Array[] {
  return saidTo(box, key).filter((message) => parseProofMessage(message) !== undefined);
}

function proofBy(name: string, of: NodeKey = node): Uint8Array {
  const said = { node: of, family: 4 as const, time: WALL_MS / 1_000 };
  return encodeProofMessage(of, signProof(curve, identityOf(name), new SeededRandom(3, name), said));
}

describe('the neighbour that is asked', () => {
  function broker(place = NODE_PLACE): DiscoveringBox {
    const box = new DiscoveringBox('common');
    box.linkUp(node, place);
    return box;
  }

  test('has another neighbour probe, at the place where it hears the node, and passes on what that one signs, once', () => {
    const box = broker();
    box.linkUp(prober, PROBER_PLACE);
    box.discovery.message(node, PROBE_ME, 0);
    expect(box.messages.map(({ to }) => to)).toEqual([toHex(prober)]);
    expect(parseNodePlace(box.messages[0].message)).toMatchObject({ node, endpoint: NODE_PLACE });
    const proof = proofBy('prober');
    for (let i = 0; i < 2; i++) box.discovery.message(prober, proof, 100);
    expect(saidTo(box, node)).toEqual([proof]);
    expect(box.drops.get('proof-unasked')).toBe(1);
  });

  test('passes on nothing from anybody else, or later than 10 s', () => {
    const box = broker();
    box.linkUp(prober, PROBER_PLACE);
    box.discovery.message(node, PROBE_ME, 0);
    box.discovery.message(stranger, proofBy('stranger'), 100);
    box.discovery.message(prober, proofBy('prober'), DISCOVERY_TUNING.probeAnswerMs);
    expect(saidTo(box, node)).toEqual([]);
    expect(box.drops.get('proof-unasked')).toBe(2);
  });

  test('asks nobody who is behind the same address, not on the internet, or the node itself', () => {
    const box = broker();
    box.linkUp(prober, ipv4Endpoint(0xc6336401, 50_000));
    box.linkUp(stranger, linkLocal(1, 2));
    box.discovery.message(node, PROBE_ME, 0);
    expect(box.messages).toEqual([]);
    expect(box.drops.get('probe-asked-nobody')).toBe(1);
  });

  test('asks nobody who is linked with the node, and may therefore be let in', () => {
    const box = broker();
    box.linkUp(prober, PROBER_PLACE);
    box.linkUp(stranger, ipv4Endpoint(0xcb007103));
    box.linked = [[toHex(node), toHex(prober)]];
    for (let i = 0; i < 10; i++) box.discovery.message(node, PROBE_ME, i * 10_000);
    expect(new Set(box.messages.map(({ to }) => to))).toEqual(new Set([toHex(stranger)]));
  });

  test('asks nobody who was himself asked to probe the node, until address translation has forgotten that', () => {
    const box = broker();
    box.linkUp(prober, PROBER_PLACE);
    box.discovery.message(prober, PROBE_ME, 0);
    expect(saidTo(box, node).map((message) => parseNodePlace(message)?.node)).toEqual([prober]);
    box.discovery.message(node, PROBE_ME, DISCOVERY_TUNING.mappingMs - 1);
    expect(saidTo(box, prober)).toEqual([]);
    expect(box.drops.get('probe-asked-nobody')).toBe(1);
    box.discovery.message(node, PROBE_ME, DISCOVERY_TUNING.mappingMs);
    expect(saidTo(box, prober)).toHaveLength(1);
  });

  test('does nothing for a node that it hears on a cable or at home', () => {
    for (const place of [linkLocal(1, 1), ipv4Endpoint(0xc0a80107)]) {
      const box = broker(place);
      box.linkUp(prober, PROBER_PLACE);
      box.discovery.message(node, PROBE_ME, 0);
      expect(box.drops.get('probe-asked-place')).toBe(1);
    }
  });

  test('listens twice at once, and once in 10 s', () => {
    const box = broker();
    box.linkUp(prober, PROBER_PLACE);
    for (let i = 0; i < 5; i++) box.discovery.message(node, PROBE_ME, 0);
    expect(box.messages).toHaveLength(DISCOVERY_TUNING.probedAtOnce);
    expect(box.drops.get('probe-asked-rate')).toBe(3);
    box.discovery.message(node, PROBE_ME, 10_000);
    expect(box.messages).toHaveLength(DISCOVERY_TUNING.probedAtOnce + 1);
  });
});

describe('the prober', () => {
  function boxOfProber(): DiscoveringBox {
    const box = new DiscoveringBox('prober');
    box.linkUp(common);
    return box;
  }

  test('signs for a node that answered, and tells who asked', () => {
    const box = boxOfProber();
    box.discovery.message(common, encodeProbe(node, NODE_PLACE), 0);
    expect(box.messages).toEqual([]);
    const [{ key, endpoint, answered }] = box.peers.probed;
    expect(key).toEqual(node);
    expect([...endpoint]).toEqual([IPV4_SOCKET, ...NODE_PLACE.subarray(1)]);
    answered(1_000);
    box.run(1_000 + DISCOVERY_TUNING.probeSettleMs - 1);
    expect(proofsTo(box, common)).toEqual([]);
    box.run(1_000 + DISCOVERY_TUNING.probeSettleMs);
    const told = parseProofMessage(proofsTo(box, common)[0])!;
    expect(told.node).toEqual(node);
    expect(told.proof).toMatchObject({ prober, family: 4, time: WALL_MS / 1_000 + 3 });
    expect(isProofSigned(curve, node, told.proof)).toBe(true);
    expect(isProofSigned(curve, stranger, told.proof)).toBe(false);
  });

  test('signs for nobody who has become its peer since the probe: his address translation was open to it', () => {
    const box = boxOfProber();
    box.discovery.message(common, encodeProbe(node, NODE_PLACE), 0);
    box.peers.probed[0].answered(1_000);
    box.peers.states.set(toHex(node), 'up');
    box.run(1_000 + DISCOVERY_TUNING.probeSettleMs);
    expect(proofsTo(box, common)).toEqual([]);
    expect(box.drops.get('probe-known')).toBe(1);
  });

  test('probes no peer of its own, not itself, and no place off the internet', () => {
    const box = boxOfProber();
    box.peers.states.set(toHex(node), 'down');
    box.discovery.message(common, encodeProbe(node, NODE_PLACE), 0);
    box.discovery.message(common, encodeProbe(prober, NODE_PLACE), 0);
    box.discovery.message(common, encodeProbe(stranger, ipv4Endpoint(0x0a000001)), 0);
    box.discovery.message(common, encodeProbe(stranger, linkLocal(1, 1)), 0);
    box.discovery.message(common, encodeProbe(stranger, NODE_PLACE).subarray(1), 0);
    expect(box.peers.probed).toEqual([]);
    expect(['probe-known', 'probe-malformed', 'probe-place'].map((name) => box.drops.get(name))).toEqual([1, 1, 2]);
  });

  test('probes four places at once and one in two seconds, whoever asks', () => {
    const box = boxOfProber();
    for (let i = 0; i < 9; i++) box.discovery.message(common, encodeProbe(stranger, NODE_PLACE), 0);
    expect(box.peers.probed).toHaveLength(DISCOVERY_TUNING.probesAtOnce);
    box.discovery.message(common, encodeProbe(stranger, NODE_PLACE), 2_000);
    expect(box.peers.probed).toHaveLength(DISCOVERY_TUNING.probesAtOnce + 1);
  });
});

describe('the node', () => {
  const asked = (box: DiscoveringBox) => box.messages.filter(({ message }) => message[0] === PROBE_ME[0]);

  test('asks when it takes anybody, 5 s after it has a neighbour, and then ever more seldom', () => {
    const box = new DiscoveringBox('node', 'any');
    box.linkUp(common);
    box.run(200_000);
    expect(asked(box).map(({ at }) => at)).toEqual([5_000, 35_000, 95_000]);
    const shy = new DiscoveringBox('node', 'segment');
    shy.linkUp(common);
    shy.run(200_000);
    expect(asked(shy)).toEqual([]);
    shy.discovery.message(common, proofBy('prober'), 0);
    expect(shy.drops.get('proof-unasked')).toBe(1);
  });

  test('keeps what two probers signed, renews the older one at half of its life, and forgets it at the end', () => {
    const box = new DiscoveringBox('node', 'any');
    box.linkUp(common);
    box.linkUp(stranger);
    box.run(5_000);
    box.discovery.message(common, proofBy('prober'), 5_100);
    box.run(35_000);
    box.discovery.message(stranger, proofBy('another'), 35_100);
    expect(box.proofs.map((proof) => toHex(proof.prober))).toEqual([prober, identityOf('another').key].map(toHex));
    const halfLifeMs = PROOF_LIFE_S * 500;
    expect(asked(box).map(({ at }) => at)).toEqual([5_000, 35_000]);
    box.run(5_100 + halfLifeMs);
    expect(asked(box).map(({ at }) => at)).toEqual([5_000, 35_000, 5_100 + halfLifeMs]);
    box.run(5_100 + 2 * halfLifeMs);
    expect(box.proofs).toHaveLength(1);
    box.run(35_100 + 2 * halfLifeMs);
    expect(box.proofs).toEqual([]);
  });

  test('takes no proof that it did not ask for, that it signed itself, for somebody else, or wrongly signed', () => {
    const box = new DiscoveringBox('node', 'any');
    box.linkUp(common);
    box.discovery.message(common, proofBy('prober'), 0);
    box.run(5_000);
    box.discovery.message(stranger, proofBy('prober'), 5_100);
    box.discovery.message(common, proofBy('prober', stranger), 5_100);
    expect(box.drops.get('proof-unasked')).toBe(3);
    box.discovery.message(common, proofBy('node'), 5_100);
    box.run(35_000);
    const forged = proofBy('prober');
    forged[forged.length - 1] ^= 1;
    box.discovery.message(common, forged, 35_100);
    expect(box.drops.get('proof-signature')).toBe(2);
    box.discovery.message(common, proofBy('prober').subarray(0, -1), 35_100);
    expect(box.drops.get('proof-malformed')).toBe(1);
    expect(box.proofs).toEqual([]);
  });

  test('takes no proof of whom it has sent to: that one may get in where nobody else does', () => {
    const box = new DiscoveringBox('node', 'any');
    box.linkUp(common);
    box.discovery.message(common, encodeProbe(prober, PROBER_PLACE), 4_000);
    box.run(5_000);
    box.discovery.message(common, proofBy('prober'), 5_100);
    expect(box.proofs).toEqual([]);
    box.run(35_000);
    box.peers.states.set(toHex(stranger), 'down');
    box.discovery.message(common, proofBy('stranger'), 35_100);
    expect(box.drops.get('proof-contact')).toBe(2);
    // It is forgotten by when the node asks for the fifth time.
    box.run(455_000);
    box.discovery.message(common, proofBy('prober'), 455_100);
    expect(box.proofs.map((proof) => toHex(proof.prober))).toEqual([toHex(prober)]);
  });

  test('does not take the same prober twice within half of a life', () => {
    const box = new DiscoveringBox('node', 'any');
    box.linkUp(common);
    box.run(5_000);
    box.discovery.message(common, proofBy('prober'), 5_100);
    const first = box.proofs;
    box.run(35_000);
    box.discovery.message(common, proofBy('prober'), 35_100);
    expect(box.proofs).toBe(first);
  });
});

describe('who takes anybody and has few neighbours', () => {
  test('seeks the nearest on the internet, goes where a neighbour says one is, and asks for none when it takes nobody', () => {
    const box = new DiscoveringBox('seeker', 'any');
    box.clearnet = [node, stranger];
    box.linkUp(common);
    box.run(100);
    const seek = box.messages.map(({ message }) => parseSeek(message)).at(-1)!;
    expect(seek).toEqual([node, stranger].map(addressHash));
    box.discovery.message(common, encodeMeet(node, NODE_PLACE), 200);
    expect(box.peers.told).toEqual(['add']);
    const shy = new DiscoveringBox('seeker', 'segment');
    shy.clearnet = [node];
    shy.linkUp(common);
    shy.run(100);
    expect(shy.messages).toEqual([]);
  });

  test('seeks one that comes later within 10 s, and says so once it is sought no more', () => {
    const box = new DiscoveringBox('seeker', 'any');
    box.linkUp(common);
    box.run(60_000);
    const seeks = () => box.messages.filter(({ message }) => message[0] === encodeSeek([])[0]);
    expect(seeks()).toEqual([]);
    box.clearnet = [node];
    box.run(70_000);
    box.clearnet = [];
    box.run(600_000);
    expect(seeks().map(({ message }) => parseSeek(message))).toEqual([[addressHash(node)], []]);
  });

  test('is told where a proven one is, who is told nothing', () => {
    const box = new DiscoveringBox('common');
    box.linkUp(node, NODE_PLACE);
    box.linkUp(stranger, PROBER_PLACE);
    box.discovery.message(stranger, encodeSeek([addressHash(node)]), 0);
    expect(box.messages).toEqual([]);
    box.clearnet = [node];
    box.discovery.message(stranger, encodeSeek([addressHash(node)]), 1_000);
    expect(box.messages.map(({ to }) => to)).toEqual([toHex(stranger)]);
    expect(parseNodePlace(box.messages[0].message)).toMatchObject({ node, endpoint: NODE_PLACE });
  });
});
