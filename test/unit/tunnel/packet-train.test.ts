import { describe, expect, test } from 'vitest';
import { PacketTrain } from '../../../src/tunnel/packet-train.ts';
import type { TunnelSession } from '../../../src/tunnel/session-port.ts';
import {
  packetStart,
  TRAIN_MAX_BYTES,
  TREATMENT,
  TrainReader,
  type Treatment,
  TUNNEL_KIND,
  treatmentOf,
} from '../../../src/wire/tunnel-message.ts';
import { MemorySession } from './packets.ts';

interface Left {
  readonly session: TunnelSession;
  readonly message: Uint8Array;
  readonly flow: number;
  readonly packets: number;
}

const session = new MemorySession(1);
session.messageBytes = 5_000;
const otherSession = new MemorySession(2);
const slowSession = new MemorySession(3);
slowSession.messageBytes = 100;

class Bench {
  readonly left: Left[] = [];
  readonly train = new PacketTrain((to, message, flow, packets) => {
    this.left.push({ session: to, message: message.slice(), flow, packets });
  });

  add(fill: number, length: number, { to = session, flow = 1, treatment = TREATMENT.own as Treatment } = {}): void {
    const bytes = new Uint8Array(length + 7).fill(fill);
    this.train.add(to, bytes, 7, length, flow, treatment, 0);
  }
}

function packetsOf(message: Uint8Array): number[][] {
  const reader = new TrainReader();
  const packets: number[][] = [];
  reader.begin(message);
  while (reader.next() === 'packet') packets.push([message[reader.start], reader.length]);
  return packets;
}

describe('a train', () => {
  test('holds the packets of a flow in a row, and leaves when it is told', () => {
    const bench = new Bench();
    for (let i = 1; i <= 3; i++) bench.add(i, 100 * i, { treatment: TREATMENT.highThroughput });
    expect(bench.left).toEqual([]);
    bench.train.leave(0);
    bench.train.leave(0);
    const [{ message, ...rest }] = bench.left;
    expect(bench.left).toHaveLength(1);
    expect(rest).toEqual({ session, flow: 1, packets: 3 });
    expect([message[0], treatmentOf(message)]).toEqual([TUNNEL_KIND.train, TREATMENT.highThroughput]);
    expect(packetsOf(message)).toEqual([
      [1, 100],
      [2, 200],
      [3, 300],
    ]);
  });

  test('of one packet is a PACKET', () => {
    const bench = new Bench();
    bench.add(9, 60, { treatment: TREATMENT.highThroughput });
    bench.train.leave(0);
    const [{ message }] = bench.left;
    expect([message[0], message.length, packetStart(message), treatmentOf(message)]).toEqual([
      TUNNEL_KIND.packet,
      62,
      2,
      2,
    ]);
    expect(message[2]).toBe(9);
  });

  test.each([
    ['another flow', { flow: 2 }],
    ['another session', { to: otherSession }],
    ['another treatment', { treatment: TREATMENT.highThroughput }],
  ])('ends with %s', (_name, other) => {
    const bench = new Bench();
    bench.add(1, 60);
    bench.add(2, 60, other);
    bench.train.leave(0);
    expect(bench.left.map(({ packets, message }) => [packets, message[2]])).toEqual([
      [1, 1],
      [1, 2],
    ]);
  });

  test('is no longer than its session wants messages', () => {
    const bench = new Bench();
    for (let i = 1; i <= 3; i++) bench.add(i, 47, { to: slowSession });
    bench.train.leave(0);
    expect(bench.left.map(({ packets, message }) => [packets, message.length])).toEqual([
      [2, 100],
      [1, 49],
    ]);
  });

  test('takes the longest packet there is', () => {
    const bench = new Bench();
    bench.add(1, 0xffff, { to: otherSession });
    bench.train.leave(0);
    expect(bench.left[0].message).toHaveLength(TRAIN_MAX_BYTES - 2);
  });
});

describe('reading a train', () => {
  const read = (...bytes: number[]) => {
    const reader = new TrainReader();
    reader.begin(Uint8Array.of(TUNNEL_KIND.train, ...bytes));
    return [reader.next(), reader.next()];
  };

  test('ends where it ends', () => expect(read(0, 0, 1, 7)).toEqual(['packet', 'end']));

  test.each([
    ['nothing in it', []],
    ['flags that this version does not know', [1, 0, 1, 7]],
    ['an empty packet', [0, 0, 0]],
    ['a packet that reaches beyond it', [0, 0, 2, 7]],
    ['half of a length', [0, 1]],
  ])('stops at %s', (_name, bytes) => expect(read(...bytes)[0]).toBe('malformed'));
});
