import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat } from '../../../src/base/bytes.ts';
import type { LinkId, NodeKey, ServiceKey } from '../../../src/base/ids.ts';
import { CHANNEL0_KIND } from '../../../src/wire/channel0.ts';
import { encodeUnsignedProof, parseProof } from '../../../src/wire/proof.ts';
import { encodeUnsignedRecord, parseRecord, withSignature } from '../../../src/wire/record.ts';
import { FloodNetwork, recordOf } from '../../unit/graph/flood-network.ts';

const key = fc.uint8Array({ minLength: 33, maxLength: 33 });
const proof = fc
  .record({
    prober: key,
    family: fc.constantFrom<4 | 6>(4, 6),
    time: fc.nat({ max: 0xffff_ffff }),
    signature: fc.uint8Array({ minLength: 64, maxLength: 64 }),
  })
  .map(({ prober, family, time, signature }) => {
    return parseProof(concat(encodeUnsignedProof(prober as NodeKey, family, time), signature))!;
  });
const record = fc.record({
  node: key.map((bytes) => bytes as NodeKey),
  sequence: fc.maxSafeNat().filter((sequence) => Number.isSafeInteger(sequence + 1)),
  expiry: fc.nat({ max: 0xffff_ffff }),
  services: fc.array(
    fc.record({
      kind: fc.nat({ max: 255 }),
      key: key.map((bytes) => bytes as ServiceKey),
      advert: fc.uint8Array({ maxLength: 255 }),
    }),
    { maxLength: 8 },
  ),
  links: fc.array(
    fc.record({
      key: key.map((bytes) => bytes as NodeKey),
      roundTripMs: fc.nat({ max: 0x7fff }).map((units) => units / 10),
      detour: fc.boolean(),
      rateKbps: fc.nat({ max: 255 }).map((step) => (step === 0 ? 0 : 8 * 2 ** ((step - 1) / 8))),
      lossShare: fc.nat({ max: 200 }).map((steps) => steps / 200),
      medium: fc.constantFrom('unknown', 'lan', 'wifi'),
      price: fc.nat({ max: 17 }).map((step) => (step === 0 ? 0 : 2 ** (step - 1))),
    }),
    { maxLength: 64 },
  ),
  proofs: fc.array(proof, { maxLength: 2 }),
});

describe('records', () => {
  it('read as they were written, and only from bytes that could have been written', () => {
    fc.assert(
      fc.property(record, fc.uint8Array({ minLength: 64, maxLength: 64 }), (said, signature) => {
        expect(parseRecord(withSignature(encodeUnsignedRecord(said), signature))).toEqual(said);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const said = parseRecord(Uint8Array.of(1, ...bytes));
        if (said !== undefined) expect(encodeUnsignedRecord(said).length + 64).toBe(bytes.length + 1);
      }),
      { numRuns: 2_000 },
    );
  });

  it('with any byte changed are never believed, and nothing throws', () => {
    const network = FloodNetwork.chain(2, { verifiedAtOnce: 10_000 });
    const [a, b] = network.nodes;
    network.run(100);
    const sound = recordOf(5);
    const changed = fc
      .tuple(fc.nat({ max: sound.length - 1 }), fc.integer({ min: 1, max: 255 }))
      .map(([at, flip]) => sound.map((byte, i) => (i === at ? byte ^ flip : byte)));
    fc.assert(
      fc.property(changed, fc.nat({ max: 255 }), (bytes, hopsLeft) => {
        network.inject(b, a, { hopsLeft, record: bytes });
        network.run(1);
        expect(a.flood.graph.size).toBe(2);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.constantFrom(CHANNEL0_KIND.records, CHANNEL0_KIND.recordsAck), fc.uint8Array(), (kind, bytes) => {
        a.flood.receive(b.index as LinkId, Uint8Array.of(kind, ...bytes), network.now);
        network.run(1);
        expect(a.flood.graph.size).toBe(2);
      }),
      { numRuns: 500 },
    );
  });
});
