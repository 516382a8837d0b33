import { describe, expect, it } from 'vitest';
import { RangeBlocks } from '../../../src/wire/ack-ranges.ts';
import {
  addReportEntry,
  beginReport,
  isMessageTwo,
  isSealed,
  KIND,
  MAX_APPLICATION_BYTES,
  Plaintext,
  ReportReader,
  readPlaintext,
  sealedEpoch,
  sequenceOf,
  writeClose,
  writeDatagramHead,
  writeDataHead,
  writeProbe,
  writeRekey,
  writeSealedHeader,
} from '../../../src/wire/route-message.ts';

function read(bytes: Uint8Array) {
  const plaintext = new Plaintext();
  return { outcome: readPlaintext(bytes, 0, bytes.length, plaintext), plaintext };
}

describe('route messages', () => {
  it('carry epoch and sequence in a header of 8 bytes', () => {
    const message = new Uint8Array(64);
    writeSealedHeader(message, 0, 0xa5, 0x0102_0304_0506);
    expect([...message.subarray(0, 8)]).toEqual([2, 0xa5, 1, 2, 3, 4, 5, 6]);
    expect(sealedEpoch(message)).toBe(0xa5);
    expect(sequenceOf(message)).toBe(0x0102_0304_0506);
    expect(isSealed(message)).toBe(true);
  });

  it('need a byte of plaintext to be a sealed message', () => {
    const message = new Uint8Array(24);
    message[0] = 2;
    expect(isSealed(message)).toBe(false);
  });

  it('are a message two only at its length', () => {
    const message = new Uint8Array(50);
    message[0] = 1;
    expect(isMessageTwo(message)).toBe(true);
    expect(isMessageTwo(message.subarray(0, 49))).toBe(false);
  });

  it('leave 65,502 bytes to the application', () => {
    expect(MAX_APPLICATION_BYTES).toBe(65_502);
  });

  it('carry data, and how far back the one before it in its flow lies', () => {
    const bytes = new Uint8Array(12).fill(9);
    expect(writeDataHead(bytes, 0, 77, 0xfffe)).toBe(9);
    const { outcome, plaintext } = read(bytes);
    expect(outcome).toBe('ok');
    expect(plaintext).toMatchObject({ kind: KIND.data, sequence: 77, back: 0xfffe, bodyAt: 9, bodyEnd: 12 });
  });

  it('carry a datagram', () => {
    const bytes = new Uint8Array(10).fill(9);
    expect(writeDatagramHead(bytes, 0, 77)).toBe(7);
    const { outcome, plaintext } = read(bytes);
    expect(outcome).toBe('ok');
    expect(plaintext).toMatchObject({ kind: KIND.datagram, sequence: 77, bodyAt: 7, bodyEnd: 10 });
  });

  it('carry a probe and its reply', () => {
    const bytes = new Uint8Array(9);
    expect(writeProbe(bytes, 0, 'probeReply', 2 ** 40 + 5)).toBe(9);
    expect(read(bytes).plaintext).toMatchObject({ kind: KIND.probeReply, token: 2 ** 40 + 5 });
  });

  it('carry the keys of a new epoch', () => {
    const bytes = new Uint8Array(38);
    const key = new Uint8Array(33).fill(3);
    expect(writeRekey(bytes, 0, 'rekey', 70_000, key)).toBe(38);
    const { plaintext } = read(bytes);
    expect(plaintext).toMatchObject({ kind: KIND.rekey, epoch: 70_000, bodyAt: 5 });
    expect(bytes.subarray(plaintext.bodyAt, plaintext.bodyEnd)).toEqual(key);
  });

  it.each(['done', 'replaced', 'refused'] as const)('carry the goodbye "%s"', (reason) => {
    const bytes = new Uint8Array(2);
    writeClose(bytes, 0, reason);
    expect(read(bytes).plaintext.closeReason).toBe(reason);
  });

  it('report several routes in one message', () => {
    const bytes = new Uint8Array(500);
    const blocks = new RangeBlocks();
    blocks.count = 1;
    blocks.high[0] = 20;
    blocks.low[0] = 4;
    let at = beginReport(bytes, 0);
    at += addReportEntry(bytes, at, 3, 1.5, blocks);
    blocks.high[0] = 9;
    at += addReportEntry(bytes, at, 4, 5_000, blocks);

    const { plaintext } = read(bytes.subarray(0, at));
    const reader = new ReportReader();
    reader.begin(bytes, plaintext.bodyAt, at);
    const into = new RangeBlocks();
    expect(reader.next(into)).toBe('entry');
    expect([reader.routeIndex, reader.largest, reader.delayMs, into.high[0], into.low[0]]).toEqual([3, 20, 1.5, 20, 4]);
    expect(reader.next(into)).toBe('entry');
    expect([reader.routeIndex, reader.largest, reader.delayMs, into.low[0]]).toEqual([4, 9, 65_535 / 16, 4]);
    expect(reader.next(into)).toBe('end');
  });

  it('are refused when a report is cut short or longer than its entries', () => {
    const bytes = new Uint8Array(100);
    const blocks = new RangeBlocks();
    blocks.count = 1;
    blocks.high[0] = 5;
    const head = beginReport(bytes, 0);
    const at = head + addReportEntry(bytes, head, 0, 0, blocks);
    const reader = new ReportReader();
    for (const end of [at - 1, 8]) {
      reader.begin(bytes, 1, end);
      expect(reader.next(new RangeBlocks())).toBe('route-message-report');
    }
    reader.begin(bytes, 1, at + 1);
    expect(reader.next(new RangeBlocks())).toBe('entry');
    expect(reader.next(new RangeBlocks())).toBe('route-message-report');
  });

  it.each([
    ['DATA without application bytes', [KIND.data, 0, 0, 0, 0, 0, 1, 0, 1], 'route-message-length'],
    ['a short REPORT', [KIND.report], 'route-message-length'],
    ['a long PROBE', [KIND.probe, 0, 0, 0, 0, 0, 0, 0, 1, 1], 'route-message-length'],
    ['a token of 2^53', [KIND.probe, 0, 0x20, 0, 0, 0, 0, 0, 0], 'route-message-value'],
    ['a short REKEY', [KIND.rekey, 0, 0, 0, 1], 'route-message-length'],
    ['an unknown goodbye', [KIND.close, 9], 'route-message-value'],
    ['a long CLOSE', [KIND.close, 1, 1], 'route-message-length'],
    ['an unknown kind', [0x77, 1], 'route-message-kind'],
    ['a DATAGRAM without a byte', [0x02, 0, 0, 0, 0, 0, 1], 'route-message-length'],
  ])('are dropped by name: %s', (_, bytes, drop) => {
    expect(read(Uint8Array.from(bytes)).outcome).toBe(drop);
  });
});
