import { describe, expect, test } from 'vitest';
import { markPacket } from '../../../src/tunnel/congestion-mark.ts';
import { ipv4Problem } from '../../../src/wire/ip.ts';
import { TUNNEL_KIND, writeEcho } from '../../../src/wire/tunnel-message.ts';
import { packet, packetMessage } from './packets.ts';

const capable = (ecn: number) => packetMessage(packet('10.64.0.2', '198.51.100.80', { trafficClass: ecn }));

describe('a congestion mark', () => {
  test.each([1, 2, 3])('goes into a packet whose ends know it (ECN %d), and its checksum stays right', (ecn) => {
    const message = capable(ecn);
    expect(markPacket(message)).toBe(true);
    expect(message[3] & 3).toBe(3);
    expect(ipv4Problem(message, 2, message.length - 2)).toBeUndefined();
  });

  test('leaves a packet alone whose ends do not know it', () => {
    const message = capable(0);
    const before = message.slice();
    expect(markPacket(message)).toBe(false);
    expect(message).toEqual(before);
  });

  test.each([
    ['an echo', writeEcho(Uint8Array.of(0x45, 0x01))],
    ['nothing', new Uint8Array(0)],
    ['a packet that is cut off', Uint8Array.of(TUNNEL_KIND.packet, 0, 0x45, 1)],
    ['a packet of IPv6', Uint8Array.of(TUNNEL_KIND.packet, 0, 0x60, 1, ...new Array(40).fill(0))],
    ['flags of a later version', Uint8Array.of(TUNNEL_KIND.packet, 1, 0x45, 1, ...new Array(40).fill(0))],
  ])('leaves %s alone', (_name, message) => {
    const before = message.slice();
    expect(markPacket(message)).toBe(false);
    expect(message).toEqual(before);
  });
});
