/** The packets in messages of the tunnel. */
import { expect, it } from 'vitest';
import { PacketReader } from '../../../src/tunnel/packet-reader.ts';
import { TUNNEL_KIND } from '../../../src/wire/tunnel-message.ts';

const TRAIN = TUNNEL_KIND.train;
const reader = new PacketReader();

/** Each packet as start, length and bytes of its segments; and how the message ends. */
function read(...message: number[]): unknown[] {
  const found: unknown[] = [];
  reader.begin(Uint8Array.from(message));
  let next = reader.next();
  for (; next === 'packet'; next = reader.next()) found.push([reader.start, reader.length, reader.segmentBytes]);
  return [...found, next];
}

it('reads one packet of a PACKET, single or of segments, and none after it', () => {
  expect(read(1, 0, 0x45, 0, 0)).toEqual([[2, 3, 0], 'end']);
  expect(read(1, 1, 5, 0xb4, 0x45, 0, 0)).toEqual([[4, 3, 1_460], 'end']);
  expect(read(1, 0, 0x45)).toEqual([[2, 1, 0], 'end']);
});

it('reads every packet of a TRAIN, whatever it read before', () => {
  read(1, 1, 5, 0xb4, 0x45, 0, 0);
  expect(read(TRAIN, 0, 0, 1, 0x45, 0, 2, 0x46, 0x47)).toEqual([[4, 1, 0], [7, 2, 0], 'end']);
});

it('reads what comes before a TRAIN breaks off, and nothing of a PACKET without a packet', () => {
  expect(read(TRAIN, 0, 0, 1, 0x45, 0, 2, 0x46)).toEqual([[4, 1, 0], 'malformed']);
  expect(read(TRAIN)).toEqual(['malformed']);
  expect(read(1, 0)).toEqual(['malformed']);
  expect(read(1, 8, 0x45)).toEqual(['malformed']);
  expect(read(1, 1, 0, 0, 0x45)).toEqual(['malformed']);
});
