import { describe, expect, it } from 'vitest';
import { createDatagramBatch, type DatagramBatch, ENDPOINT_BYTES } from '../../../src/base/datagram.ts';
import { backEndpoint, backHandleOf, isBackEndpoint } from '../../../src/link/one-way/back-endpoint.ts';
import { DatagramQueue } from '../../../src/node/datagram-queue.ts';
import { SplitTransport } from '../../../src/node/split-transport.ts';

const ADDRESS = new Uint8Array(ENDPOINT_BYTES).fill(4);

/** A batch of one-byte datagrams, each to its own endpoint. */
function batchOf(endpoints: readonly Uint8Array[]): DatagramBatch {
  const batch = createDatagramBatch(8, 64);
  endpoints.forEach((endpoint, i) => {
    batch.arena[i] = 10 + i;
    batch.offsets[i] = i;
    batch.lengths[i] = 1;
    batch.endpoints.set(endpoint, i * ENDPOINT_BYTES);
  });
  batch.count = endpoints.length;
  return batch;
}

/** What each part was given: first byte, and handle where it is a back channel. */
function split(batch: DatagramBatch): { direct: number[]; back: [number, number][] } {
  const direct: number[] = [];
  const back: [number, number][] = [];
  const sockets = {
    maxDatagramBytes: 1_472,
    send: (sent: DatagramBatch) => {
      for (let i = 0; i < sent.count; i++) {
        expect(isBackEndpoint(sent.endpoints, i * ENDPOINT_BYTES)).toBe(false);
        direct.push(sent.arena[sent.offsets[i]]);
      }
    },
  };
  const transport = new SplitTransport(sockets, isBackEndpoint, (sent, i) => {
    back.push([sent.arena[sent.offsets[i]], backHandleOf(sent.endpoints, i * ENDPOINT_BYTES)]);
  });
  expect(transport.maxDatagramBytes).toBe(1_472);
  transport.send(batch);
  return { direct, back };
}

describe('the split of what a link layer sends', () => {
  it('gives each datagram to where its endpoint says, in order', () => {
    const batch = batchOf([backEndpoint(7), ADDRESS, backEndpoint(0xffff_ffff), ADDRESS, ADDRESS]);
    expect(split(batch)).toEqual({
      direct: [11, 13, 14],
      back: [
        [10, 7],
        [12, 0xffff_ffff],
      ],
    });
  });

  it('leaves a batch without back channels as it is, and does not trouble the sockets with nothing', () => {
    expect(split(batchOf([ADDRESS, ADDRESS]))).toEqual({ direct: [10, 11], back: [] });
    const none = { maxDatagramBytes: 1, send: () => expect.unreachable() };
    new SplitTransport(none, isBackEndpoint, () => {}).send(batchOf([backEndpoint(1)]));
  });
});

describe('a queue of datagrams', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4);

  it('hands out copies of what was added, once', () => {
    const queue = new DatagramQueue(4, 3);
    expect(queue.count).toBe(0);
    queue.add(bytes, 1, 3, backEndpoint(9), 0);
    queue.add(bytes, 0, 1, backEndpoint(8), 0);
    const out: number[][] = [];
    queue.empty((batch) => {
      for (let i = 0; i < batch.count; i++) {
        const at = batch.offsets[i];
        const handle = backHandleOf(batch.endpoints, i * ENDPOINT_BYTES);
        out.push([handle, ...batch.arena.subarray(at, at + batch.lengths[i])]);
      }
    });
    expect(out).toEqual([
      [9, 2, 3, 4],
      [8, 1],
    ]);
    expect(queue.count).toBe(0);
    queue.empty(() => expect.unreachable());
  });

  it('takes no more than it has room for, and none that is too long', () => {
    const queue = new DatagramQueue(2, 3);
    expect(queue.add(bytes, 0, 4, ADDRESS, 0)).toBe(false);
    expect(queue.add(bytes, 0, 3, ADDRESS, 0)).toBe(true);
    expect(queue.add(bytes, 0, 3, ADDRESS, 0)).toBe(true);
    expect(queue.add(bytes, 0, 1, ADDRESS, 0)).toBe(false);
    expect(queue.count).toBe(2);
  });

  it('keeps what is added while it hands out for the next time', () => {
    const queue = new DatagramQueue(2, 3);
    const firsts: number[] = [];
    queue.add(bytes, 0, 1, ADDRESS, 0);
    queue.empty((batch) => {
      queue.add(bytes, 1, 1, ADDRESS, 0);
      firsts.push(batch.count, batch.arena[batch.offsets[0]]);
    });
    queue.empty((batch) => firsts.push(batch.count, batch.arena[batch.offsets[0]]));
    expect(firsts).toEqual([1, 1, 1, 2]);
    expect(queue.count).toBe(0);
  });
});
