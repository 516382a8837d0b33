import { describe, expect, it } from 'vitest';
import type { NodeKey, ServiceKey } from '../../../src/base/ids.ts';
import { BULK, REAL_TIME, RELIABLE, SENT_ONCE } from '../../../src/base/traffic-class.ts';
import { encodeHopPayload, type LastHop, type MiddleHop, parseHopPayload } from '../../../src/wire/hop-payload.ts';
import { encodeTlv, parseTlv, type TlvField } from '../../../src/wire/tlv.ts';

const previousId = new Uint8Array(16).fill(6);
const every = { previousId, expiry: 1_700_000_000, trafficClass: BULK, deliveryMs: RELIABLE } as const;
const middle: MiddleHop = {
  kind: 'middle',
  ...every,
  nextNode: new Uint8Array(33).fill(2) as NodeKey,
  nextId: new Uint8Array(16).fill(4),
};
const last: LastHop = {
  kind: 'last',
  ...every,
  service: new Uint8Array(33).fill(10) as ServiceKey,
  hello: new Uint8Array(106).fill(12),
  routeIndex: 513,
};

function edited(hop: MiddleHop | LastHop, edit: (fields: TlvField[]) => TlvField[]): Uint8Array {
  const fields = edit(parseTlv(encodeHopPayload(hop))!);
  return encodeTlv(fields.sort((a, b) => a.type - b.type));
}

describe('a hop payload', () => {
  it('reads what was written, at a middle and at the last hop', () => {
    expect(parseHopPayload(encodeHopPayload(middle))).toEqual(middle);
    expect(parseHopPayload(encodeHopPayload(last))).toEqual(last);
  });

  it('tells class and delivery of a route, in no bytes where it is Bulk and reliable', () => {
    const voice: MiddleHop = { ...middle, trafficClass: REAL_TIME, deliveryMs: 150 } as const;
    expect(parseHopPayload(encodeHopPayload(voice))).toEqual(voice);
    expect(encodeHopPayload(voice).length - encodeHopPayload(middle).length).toBe(3 + 4);
    const once = { ...last, deliveryMs: SENT_ONCE };
    expect(parseHopPayload(encodeHopPayload(once))).toEqual(once);
  });

  it('is malformed with a class that has no name', () => {
    const bytes = edited(last, (fields) => [...fields, { type: 16, value: Uint8Array.of(2) }]);
    expect(parseHopPayload(bytes)).toEqual({ kind: 'malformed', previousId });
  });

  // A session's hello has 106 bytes.
  it.each([
    ['Bulk', { trafficClass: BULK, deliveryMs: RELIABLE }, 160] as const,
    ['Real Time', { trafficClass: REAL_TIME, deliveryMs: 150 }, 106] as const,
  ] as const)(
    'lets ten hops of %s fit the 1,300 bytes of an onion, each with its length and MAC',
    (_, promise, helloBytes) => {
      const longest = { ...last, ...promise, hello: new Uint8Array(helloBytes) };
      const middleBytes = encodeHopPayload({ ...middle, ...promise }).length + 1 + 32;
      const lastBytes = encodeHopPayload(longest).length + 1 + 32;
      expect(9 * middleBytes + lastBytes).toBeLessThanOrEqual(1300);
    },
  );

  it('ignores an unknown odd type and refuses an unknown even one, saying the way back', () => {
    const with9 = edited(middle, (fields) => [...fields, { type: 9, value: Uint8Array.of(1) }]);
    expect(parseHopPayload(with9)).toEqual(middle);
    const with20 = edited(last, (fields) => [...fields, { type: 20, value: Uint8Array.of(1) }]);
    expect(parseHopPayload(with20)).toEqual({ kind: 'malformed', previousId });
  });

  it.each([2, 4, 8])('is malformed without field %d at a middle hop', (type) => {
    const bytes = edited(middle, (fields) => fields.filter((field) => field.type !== type));
    expect(parseHopPayload(bytes)).toEqual({ kind: 'malformed', previousId });
  });

  it.each([8, 10, 12, 14])('is malformed without field %d at the last hop', (type) => {
    const bytes = edited(last, (fields) => fields.filter((field) => field.type !== type));
    expect(parseHopPayload(bytes)).toEqual({ kind: 'malformed', previousId });
  });

  it.each([2, 4, 8, 10, 12, 14])('is malformed when field %d has a wrong length', (type) => {
    const hop = type < 8 ? middle : last;
    const bytes = edited(hop, (fields) =>
      fields.map((field) => (field.type === type ? { type, value: new Uint8Array(200) } : field)),
    );
    expect(parseHopPayload(bytes)).toEqual({ kind: 'malformed', previousId });
  });

  it('has no way back when the previous id is missing or wrong, or the stream itself', () => {
    const nowhere = { kind: 'malformed', previousId: undefined };
    expect(parseHopPayload(edited(middle, (fields) => fields.filter(({ type }) => type !== 6)))).toEqual(nowhere);
    const short = edited(middle, (fields) =>
      fields.map((field) => (field.type === 6 ? { type: 6, value: new Uint8Array(15) } : field)),
    );
    expect(parseHopPayload(short)).toEqual(nowhere);
    expect(parseHopPayload(Uint8Array.of(6, 16, 1))).toEqual(nowhere);
  });

  it('can not be a middle and a last hop at once', () => {
    const both = edited(middle, (fields) => [...fields, { type: 14, value: new Uint8Array(2) }]);
    expect(parseHopPayload(both)).toEqual({ kind: 'malformed', previousId });
  });
});
