import { describe, expect, it } from 'vitest';
import { concat } from '../../../src/base/bytes.ts';
import type { NodeKey, ServiceKey } from '../../../src/base/ids.ts';
import { encodeUnsignedProof, type Proof, parseProof } from '../../../src/wire/proof.ts';
import {
  encodeUnsignedRecord,
  type NodeRecord,
  parseRecord,
  sameStatement,
  signatureOf,
  signedPart,
  withSignature,
} from '../../../src/wire/record.ts';

const key = (fill: number): NodeKey => new Uint8Array(33).fill(fill) as NodeKey;
const signature = new Uint8Array(64).fill(0xaa);
const proof = (prober: number): Proof =>
  parseProof(concat(encodeUnsignedProof(key(prober), 4, 1_700_000_000), signature))!;
const record: NodeRecord = {
  node: key(2),
  sequence: 1_700_000_000_123,
  expiry: 1_700_000_120,
  services: [{ kind: 1, key: key(3) as Uint8Array as ServiceKey, advert: Uint8Array.of(9, 8, 7) }],
  links: [
    { key: key(4), roundTripMs: 12.3, detour: false, rateKbps: 0, lossShare: 0, medium: 'wifi', price: 64 },
    { key: key(5), roundTripMs: 0, detour: true, rateKbps: 16_384, lossShare: 0.25, medium: 'lan', price: 0 },
  ],
  proofs: [proof(6)],
};
const bytes = withSignature(encodeUnsignedRecord(record), signature);

describe('a record', () => {
  it('reads what was written', () => {
    expect(parseRecord(bytes)).toEqual(record);
    expect(bytes.length).toBe(1 + 33 + 8 + 4 + 1 + 1 + 38 + 1 + 2 * 38 + 1 + 102 + 64);
    expect(signatureOf(bytes)).toEqual(signature);
    expect(signedPart(bytes)).toEqual(encodeUnsignedRecord(record));
  });

  it('holds 64 links, 8 services and 2 proofs', () => {
    const full: NodeRecord = {
      ...record,
      services: Array.from({ length: 8 }, (_, i) => ({
        ...{ kind: 1, key: key(i) as Uint8Array as ServiceKey },
        advert: new Uint8Array(i === 7 ? 255 : i),
      })),
      links: Array.from({ length: 64 }, (_, i) => ({
        key: key(i),
        roundTripMs: i,
        detour: i % 2 === 1,
        rateKbps: 8 * 2 ** (i / 8),
        lossShare: i / 200,
        medium: 'unknown',
        price: 0,
      })),
      proofs: [proof(6), proof(7)],
    };
    expect(parseRecord(withSignature(encodeUnsignedRecord(full), signature))).toEqual(full);
    expect(() => encodeUnsignedRecord({ ...full, links: [...full.links, full.links[0]] })).toThrow();
    expect(() => encodeUnsignedRecord({ ...full, proofs: [...full.proofs, proof(8)] })).toThrow();
  });

  it('says at most 3,276.7 ms of round trip, and never a detour in its place', () => {
    const slow = { ...record, links: [{ ...record.links[0], roundTripMs: 60_000 }] };
    expect(parseRecord(withSignature(encodeUnsignedRecord(slow), signature))?.links).toEqual([
      { ...record.links[0], roundTripMs: 3276.7 },
    ]);
  });

  it('is refused when a byte is missing or too many, at any length', () => {
    for (let length = 0; length < bytes.length; length++)
      expect(parseRecord(bytes.subarray(0, length))).toBeUndefined();
    expect(parseRecord(Uint8Array.of(...bytes, 0))).toBeUndefined();
  });

  it.each([
    ['another version', 0, 2],
    ['a sequence beyond 2^53', 34, 0xff],
    ['a gateway flag without a gateway, or the other way round', 46, 0],
    ['too many services', 47, 9],
    ['too many links', 82, 65],
  ])('is refused with %s', (_, at, value) => {
    const wrong = bytes.slice();
    wrong[at] = value;
    expect(parseRecord(wrong)).toBeUndefined();
  });

  it('ignores flags that have no meaning yet', () => {
    const flagged = bytes.slice();
    flagged[46] |= 0x80;
    expect(parseRecord(flagged)).toEqual(record);
  });

  it('says the same when only sequence, expiry and signature differ', () => {
    const later = withSignature(encodeUnsignedRecord({ ...record, sequence: 1, expiry: 2 }), new Uint8Array(64));
    expect(sameStatement(bytes, later)).toBe(true);
    const moved = { ...record, links: [record.links[0], { ...record.links[1], roundTripMs: 1 }] };
    expect(sameStatement(bytes, withSignature(encodeUnsignedRecord(moved), signature))).toBe(false);
    const detour = { ...record, links: [{ ...record.links[0], detour: true }, record.links[1]] };
    expect(sameStatement(bytes, withSignature(encodeUnsignedRecord(detour), signature))).toBe(false);
    expect(sameStatement(bytes, withSignature(encodeUnsignedRecord({ ...record, links: [] }), signature))).toBe(false);
  });
});
