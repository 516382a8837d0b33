import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readU16, readU32, writeU16, writeU32 } from '../../../src/base/bytes.ts';
import { checksum, ipv4Problem, PROTOCOL, writeIpv4Header } from '../../../src/wire/ip.ts';
import {
  completeChecksum,
  longestPacket,
  MAX_SEGMENTS,
  packetProblem,
  packetsIn,
  SuperpacketCutter,
} from '../../../src/wire/superpacket.ts';

const AT = 3;
const SEQUENCE = 0xffff_ff00;
const [FIN, SYN, PSH, ACK, CWR] = [0x01, 0x02, 0x08, 0x10, 0x80];

/** Behind AT other bytes. */
function superpacket(payloadBytes: number, flags = ACK, optionBytes = 12): Uint8Array {
  const length = 40 + optionBytes + payloadBytes;
  const bytes = new Uint8Array(AT + length);
  writeIpv4Header(bytes, AT, { length, protocol: PROTOCOL.tcp, source: 0x0a40_0002, destination: 0xc633_6450 });
  writeU16(bytes, AT + 4, 0xffff);
  writeU16(bytes, AT + 10, 0);
  writeU16(bytes, AT + 10, checksum(bytes, AT, 20));
  writeU32(bytes, AT + 24, SEQUENCE);
  bytes[AT + 32] = (5 + optionBytes / 4) << 4;
  bytes[AT + 33] = flags;
  for (let i = 0; i < payloadBytes; i++) bytes[AT + 40 + optionBytes + i] = 31 * i + (i >> 8);
  return bytes;
}

function cut(bytes: Uint8Array, segmentBytes: number, mostBytes: number): Uint8Array[] {
  const cutter = new SuperpacketCutter();
  const out = new Uint8Array(70_000);
  const parts: Uint8Array[] = [];
  cutter.begin(bytes, AT, bytes.length - AT, segmentBytes);
  for (let length = cutter.next(out, 1, mostBytes); length > 0; length = cutter.next(out, 1, mostBytes)) {
    parts.push(out.slice(1, 1 + length));
  }
  return parts;
}

const problem = (bytes: Uint8Array, segmentBytes: number, most = MAX_SEGMENTS) =>
  packetProblem(bytes, AT, bytes.length - AT, segmentBytes, most);

describe('cutting a superpacket', () => {
  test('gives whole packets whose payload is the same bytes in order, however long the parts may be', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 500, max: 1_460 }),
        fc.integer({ min: 0, max: 66_000 }),
        (payload, segmentBytes, most) => {
          const whole = superpacket(payload);
          const parts = cut(whole, segmentBytes, most);
          const joined = Buffer.concat(parts.map((part) => part.subarray(52)));
          expect(joined.equals(whole.subarray(AT + 52))).toBe(true);
          let passed = 0;
          for (const part of parts) {
            expect(ipv4Problem(part, 0, part.length)).toBeUndefined();
            expect(readU32(part, 24)).toBe((SEQUENCE + passed) >>> 0);
            expect(readU16(part, 4)).toBe((0xffff + passed / segmentBytes) & 0xffff);
            expect(part.length <= Math.max(most, 52 + segmentBytes)).toBe(true);
            passed += part.length - 52;
            if (passed < payload) expect((part.length - 52) % segmentBytes).toBe(0);
          }
        },
      ),
    );
  });

  test('leaves FIN and PSH to the last part, and CWR to the first', () => {
    const flags = cut(superpacket(3_000, ACK | FIN | PSH | CWR), 1_000, 0).map((part) => part[33]);
    expect(flags).toEqual([ACK | CWR, ACK, ACK | FIN | PSH]);
  });

  test('gives no part more segments than the other end takes', () => {
    const parts = cut(superpacket(60_000), 50, 65_535);
    expect(parts.map((part) => part.length - 52)).toEqual([...new Array(9).fill(6_400), 2_400]);
  });

  test('of a single segment completes the checksum as the receiver checks it', () => {
    for (const payload of [1, 2, 1_001]) {
      const [part] = cut(superpacket(payload), 1_460, 0);
      completeChecksum(part, 0, part.length);
      const covered = new Uint8Array(12 + part.length - 20);
      covered.set(part.subarray(12, 20));
      covered[9] = PROTOCOL.tcp;
      writeU16(covered, 10, part.length - 20);
      covered.set(part.subarray(20), 12);
      expect(checksum(covered, 0, covered.length)).toBe(0);
    }
  });
});

describe('a superpacket that others sent', () => {
  test('is taken when it is TCP with data and no more segments than there may be', () => {
    expect(problem(superpacket(MAX_SEGMENTS * 400), 400)).toBeUndefined();
    expect(problem(superpacket(MAX_SEGMENTS * 400 + 1), 400)).toBe('ip-superpacket');
    expect(problem(superpacket(MAX_SEGMENTS * 400 + 1), 400, Number.POSITIVE_INFINITY)).toBeUndefined();
  });

  test('is refused without payload, with a header that reaches beyond it, with flags that no data has', () => {
    expect(problem(superpacket(0), 1_000)).toBe('ip-superpacket');
    const beyond = superpacket(4);
    beyond[AT + 32] = 0xf0;
    expect(problem(beyond, 1_000)).toBe('ip-superpacket');
    const short = superpacket(2_000);
    short[AT + 32] = 0x40;
    expect(problem(short, 1_000)).toBe('ip-superpacket');
    expect(problem(superpacket(2_000, SYN | ACK), 1_000)).toBe('ip-superpacket');
    expect(problem(superpacket(2_000, PSH), 1_000)).toBe('ip-superpacket');
  });

  test('is refused when it is no TCP, or a fragment', () => {
    for (const [at, value] of [
      [9, PROTOCOL.udp],
      [6, 0x20],
    ]) {
      const bytes = superpacket(2_000);
      bytes[AT + at] = value;
      writeU16(bytes, AT + 10, 0);
      writeU16(bytes, AT + 10, checksum(bytes, AT, 20));
      expect(problem(bytes, 1_000)).toBe('ip-superpacket');
    }
  });

  test('counts as the packets that leave in the end, the longest of them with its headers', () => {
    const bytes = superpacket(2_001);
    const length = bytes.length - AT;
    expect(packetsIn(bytes, AT, length, 1_000)).toBe(3);
    expect(packetsIn(bytes, AT, length, 0)).toBe(1);
    expect(longestPacket(bytes, AT, length, 1_000)).toBe(1_052);
    expect(longestPacket(bytes, AT, length, 4_000)).toBe(length);
  });
});
