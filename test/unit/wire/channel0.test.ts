import { describe, expect, it } from 'vitest';
import {
  encodeRecords,
  encodeRecordsAck,
  encodeRouteFailed,
  encodeRouteUnknown,
  encodeSetup,
  encodeTeardown,
  parseRecords,
  parseRecordsAck,
  parseRouteControl,
  recordEntryBytes,
} from '../../../src/wire/channel0.ts';

const id = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
const onion = new Uint8Array(1366).fill(7);
const errorOnion = new Uint8Array(292).fill(9);

describe('messages between neighbours', () => {
  it('read what was written, for each kind of a route', () => {
    expect(parseRouteControl(encodeSetup(onion))).toEqual({ kind: 'setup', onion });
    expect(parseRouteControl(encodeRouteFailed(id, errorOnion))).toEqual({
      kind: 'route-failed',
      routeId: id,
      errorOnion,
    });
    expect(parseRouteControl(encodeTeardown(id))).toEqual({ kind: 'teardown', routeId: id });
    expect(parseRouteControl(encodeRouteUnknown(id))).toEqual({ kind: 'route-unknown', routeId: id });
  });

  it('have the kinds and lengths of the specification', () => {
    expect([encodeSetup(onion)[0], encodeSetup(onion).length]).toEqual([1, 1367]);
    expect([encodeRouteFailed(id, errorOnion)[0], encodeRouteFailed(id, errorOnion).length]).toEqual([2, 309]);
    expect([...encodeTeardown(id)]).toEqual([3, ...id]);
    expect([...encodeRouteUnknown(id)]).toEqual([4, ...id]);
  });

  it('are refused when a byte is missing or too many, and when the kind is none of theirs', () => {
    for (const message of [
      encodeSetup(onion),
      encodeRouteFailed(id, errorOnion),
      encodeTeardown(id),
      encodeRouteUnknown(id),
    ]) {
      expect(parseRouteControl(message.subarray(0, -1))).toBeUndefined();
      expect(parseRouteControl(Uint8Array.of(...message, 0))).toBeUndefined();
    }
    expect(parseRouteControl(new Uint8Array(0))).toBeUndefined();
    expect(parseRouteControl(Uint8Array.of(5, ...id))).toBeUndefined();
  });
});

describe('RECORDS', () => {
  const entries = [
    { hopsLeft: 4, record: Uint8Array.of(1, 2, 3) },
    { hopsLeft: 1, record: new Uint8Array(300).fill(5) },
  ];

  it('reads what was written', () => {
    const message = encodeRecords(entries);
    expect(message.length).toBe(1 + recordEntryBytes(entries[0].record) + recordEntryBytes(entries[1].record));
    expect([...message.subarray(0, 7)]).toEqual([5, 4, 0, 3, 1, 2, 3]);
    expect(parseRecords(message)).toEqual(entries);
  });

  it('is refused when it ends within an entry', () => {
    const message = encodeRecords(entries);
    const wholeAt = [1, 1 + recordEntryBytes(entries[0].record), message.length];
    for (let length = 1; length <= message.length; length++) {
      expect(parseRecords(message.subarray(0, length)) !== undefined).toBe(wholeAt.includes(length));
    }
  });
});

describe('RECORDS_ACK', () => {
  it('reads what was written', () => {
    const acks = [
      { addressHash: new Uint8Array(20).fill(1), sequence: 1_700_000_000_000 },
      { addressHash: new Uint8Array(20).fill(2), sequence: 0 },
    ];
    expect(encodeRecordsAck(acks).length).toBe(1 + 2 * 28);
    expect(parseRecordsAck(encodeRecordsAck(acks))).toEqual(acks);
  });

  it('is refused with a length that is no multiple, or a sequence beyond 2^53', () => {
    const message = encodeRecordsAck([{ addressHash: new Uint8Array(20), sequence: 5 }]);
    expect(parseRecordsAck(message.subarray(0, -1))).toBeUndefined();
    message[21] = 0xff;
    expect(parseRecordsAck(message)).toBeUndefined();
  });
});
