import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CHANNEL0_KIND,
  encodeSetup,
  parseRecords,
  parseRecordsAck,
  parseRouteControl,
} from '../../../src/wire/channel0.ts';
import { encodeHopPayload, parseHopPayload } from '../../../src/wire/hop-payload.ts';
import { encodeTlv, parseTlv } from '../../../src/wire/tlv.ts';
import { entries, openRoute, RouteNetwork } from '../../unit/route/route-network.ts';

const bytes = fc.uint8Array({ maxLength: 1_500 });

describe('bytes from a neighbour', () => {
  it('never make a codec throw', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(CHANNEL0_KIND), 0, 7, 255), bytes, (kind, body) => {
        const message = Uint8Array.of(kind, ...body);
        parseRouteControl(message);
        parseRecords(message);
        parseRecordsAck(message);
        parseTlv(body);
        parseHopPayload(body);
      }),
      { numRuns: 2_000 },
    );
  });

  it('that parse as a TLV stream are the only way to write its fields', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (body) => {
        const fields = parseTlv(body);
        if (fields !== undefined) expect(encodeTlv(fields)).toEqual(body);
        const hop = parseHopPayload(body);
        if (hop.kind !== 'malformed') expect(parseHopPayload(encodeHopPayload(hop))).toEqual(hop);
      }),
      { numRuns: 5_000 },
    );
  });

  it('never make the route layer throw, nor harm a route of another link', () => {
    const network = RouteNetwork.chain(3);
    const [a, b, c] = network.nodes;
    const stranger = network.add();
    network.connect(stranger, b);
    openRoute(network, a, b, c);
    const [setUp] = network.parcels.map(({ message }) => message!);
    a.layer.send(1 as never, Uint8Array.of(1), 0);
    network.run(50);
    // Ids that are in use, so that the bytes get past the look-up, and onions that are nearly right.
    const ids = network.parcels.flatMap(({ piece }) => (piece === undefined ? [] : [piece.buffer.slice(0, 16)]));
    const id = fc.oneof(fc.constantFrom(...ids), fc.uint8Array({ minLength: 16, maxLength: 16 }));
    const onion = fc
      .tuple(fc.nat({ max: 1_366 }), fc.integer({ min: 1, max: 255 }))
      .map(([at, flip]) => encodeSetup(setUp.slice(1)).map((byte, i) => (i === at ? byte ^ flip : byte)));
    const message = fc.oneof(
      onion,
      fc.tuple(fc.constantFrom(2, 3, 4), id, fc.constantFrom(0, 292), bytes).map(([kind, routeId, length, rest]) => {
        const body = new Uint8Array(length);
        body.set(rest.subarray(0, length));
        return Uint8Array.of(kind, ...routeId, ...body);
      }),
      bytes,
    );
    fc.assert(
      fc.property(message, id, bytes, (control, routeId, body) => {
        network.inject(stranger, b, control);
        if (body.length > 0) network.injectPiece(stranger, b, routeId, body);
        network.run(100);
        expect(entries(network)).toBe(3);
      }),
      { numRuns: 300 },
    );
    a.layer.send(1 as never, Uint8Array.of(2), network.now);
    network.run(50);
    expect(c.messages.map(({ bytes: [first] }) => first)).toEqual([1, 2]);
  });
});
