import { describe, expect, test } from 'vitest';
import { readU32 } from '../../../src/base/bytes.ts';
import { tellCongestion } from '../../../src/tunnel/congestion-mark.ts';
import { ipv4Problem, PROTOCOL } from '../../../src/wire/ip.ts';
import {
  TREATMENT,
  TUNNEL_KIND,
  writeEcho,
  writeSuperpacketHeader,
  writeTrainHeader,
} from '../../../src/wire/tunnel-message.ts';
import { packet, packetMessage } from './packets.ts';

const capable = (ecn: number) => packetMessage(packet('10.64.0.2', '198.51.100.80', { trafficClass: ecn }));

describe('a congestion mark', () => {
  test.each([1, 2, 3])('goes into a packet whose ends know it (ECN %d), and its checksum stays right', (ecn) => {
    const message = capable(ecn);
    expect(tellCongestion(message)).toBe(true);
    expect(message[3] & 3).toBe(3);
    expect(ipv4Problem(message, 2, message.length - 2)).toBeUndefined();
  });

  test('leaves a packet alone whose ends do not know it', () => {
    const message = capable(0);
    const before = message.slice();
    expect(tellCongestion(message)).toBe(false);
    expect(message).toEqual(before);
  });

  test('is the loss of the first segment of a superpacket whose ends know no marks, until one is left', () => {
    const whole = packet('10.64.0.2', '198.51.100.80', { length: 2_540, protocol: PROTOCOL.tcp });
    whole[32] = 0x50;
    whole[33] = 0x10;
    for (let i = 40; i < whole.length; i++) whole[i] = i / 10;
    const message = new Uint8Array(4 + whole.length);
    writeSuperpacketHeader(message, 0, TREATMENT.own, 1_000);
    message.set(whole, 4);
    let left = tellCongestion(message) as number;
    expect(left).toBe(4 + 1_540);
    expect(message.slice(44, left)).toEqual(whole.slice(1_040));
    expect([readU32(message, 28), ipv4Problem(message, 4, 1_540)]).toEqual([1_000, undefined]);
    left = tellCongestion(message.subarray(0, left)) as number;
    expect(left).toBe(4 + 540);
    expect(tellCongestion(message.subarray(0, left))).toBe(false);
  });

  test('is the loss of the first packet of a train, or a mark in it', () => {
    const train = (ecn: number) => {
      const packets = [100, 200].map((length) => packet('10.64.0.2', '198.51.100.80', { length, trafficClass: ecn }));
      const message = new Uint8Array(306);
      writeTrainHeader(message, 0, TREATMENT.own);
      message.set([0, 100, ...packets[0], 0, 200, ...packets[1]], 2);
      return { message, packets };
    };
    const { message, packets } = train(0);
    expect(tellCongestion(message)).toBe(204);
    expect([...message.subarray(2, 204)]).toEqual([0, 200, ...packets[1]]);
    expect(tellCongestion(message.subarray(0, 204))).toBe(false);
    const marked = train(1).message;
    expect(tellCongestion(marked)).toBe(true);
    expect([marked[5] & 3, marked[107] & 3]).toEqual([3, 1]);
  });

  test.each([
    ['an echo', writeEcho(Uint8Array.of(0x45, 0x01))],
    ['nothing', new Uint8Array(0)],
    ['a packet that is cut off', Uint8Array.of(TUNNEL_KIND.packet, 0, 0x45, 1)],
    ['a packet of IPv6', Uint8Array.of(TUNNEL_KIND.packet, 0, 0x60, 1, ...new Array(40).fill(0))],
    ['flags of a later version', Uint8Array.of(TUNNEL_KIND.packet, 8, 0x45, 1, ...new Array(40).fill(0))],
  ])('leaves %s alone', (_name, message) => {
    const before = message.slice();
    expect(tellCongestion(message)).toBe(false);
    expect(message).toEqual(before);
  });
});
