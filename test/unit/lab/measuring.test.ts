import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { payloadShare } from '../../lab/demo/overhead.ts';
import { chiSquared, mostFrequentShares } from '../../lab/harness/byte-statistics.ts';
import { isLeak } from '../../lab/harness/leak-watch.ts';
import type { CapturedPacket } from '../../lab/harness/pcap.ts';

test('of a shaped wire, a tunnel of 1,340 bytes leaves 1,288 of every 1,405 frame bytes, and those are 1,440 of 1,514', () => {
  expect(payloadShare(1340)).toBeCloseTo((1288 / 1405) * (1440 / 1514), 10);
});

test('random bytes pass for random, text does not', () => {
  const random = Array.from({ length: 200 }, () => randomBytes(1000));
  const text = random.map(() => Buffer.from('GET /file HTTP/1.1\r\nHost: www.example.net\r\n'.repeat(20)));
  expect(chiSquared(random)).toBeLessThan(385);
  expect(chiSquared(text)).toBeGreaterThan(10_000);
});

test('a constant byte is found at its position', () => {
  const samples = Array.from({ length: 5_000 }, () => {
    const sample = randomBytes(4);
    sample[2] = 7;
    return sample;
  });
  const shares = mostFrequentShares(samples, 4);
  expect(shares[2]).toBe(1);
  for (const position of [0, 1, 3]) expect(shares[position]).toBeLessThan(0.02);
});

const packet = (fields: Partial<CapturedPacket>): CapturedPacket => ({
  time: 0,
  family: 4,
  source: '10.1.0.2',
  destination: '10.1.0.1',
  protocol: 17,
  sourcePort: 0,
  destinationPort: 0,
  payload: new Uint8Array(8),
  ...fields,
});

/** Destination unreachable of this code, quoting a UDP datagram from this port. */
function unreachable(code: number, port: number): Uint8Array {
  const message = Buffer.alloc(8 + 20 + 8);
  message[0] = 3;
  message[1] = code;
  message[8 + 9] = 17;
  message.writeUInt16BE(port, 8 + 20 + 2);
  return message;
}

test.each([
  ['a datagram of the node', packet({ sourcePort: 6969, destinationPort: 6969 })],
  ['ARP', packet({ family: 0, protocol: 0 })],
  ['neighbour discovery', packet({ family: 6, protocol: 58, payload: Uint8Array.of(135) })],
  ['a port unreachable about the node', packet({ protocol: 1, payload: unreachable(3, 6969) })],
])('%s may pass an uplink', (_, allowed) => {
  expect(isLeak(allowed)).toBe(false);
});

test.each([
  ['a DNS question', packet({ destinationPort: 53 })],
  ['TCP', packet({ protocol: 6, destinationPort: 80 })],
  ['a ping', packet({ protocol: 1, payload: Uint8Array.of(8, 0) })],
  ['a ping over IPv6', packet({ family: 6, protocol: 58, payload: Uint8Array.of(128) })],
  ['a port unreachable about something else', packet({ protocol: 1, payload: unreachable(3, 53) })],
  ['the laptop asking over port 6969 of its own', packet({ protocol: 6, sourcePort: 6969 })],
])('%s is a leak', (_, leak) => {
  expect(isLeak(leak)).toBe(true);
});
