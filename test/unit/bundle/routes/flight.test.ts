import { describe, expect, it } from 'vitest';
import { type MessageCopy, MessagePool } from '../../../../src/bundle/queue/message-pool.ts';
import { Flight, MAX_FLIGHT_SPAN } from '../../../../src/bundle/routes/flight.ts';

const pool = new MessagePool(16 << 20);

function copyOf(bytes: number): MessageCopy {
  return pool.take(new Uint8Array(bytes))!;
}

describe('flight', () => {
  it('counts bytes from record to take', () => {
    const flight = new Flight();
    flight.record(1, copyOf(100));
    flight.record(2, undefined);
    flight.record(3, copyOf(50));
    expect([flight.next, flight.count, flight.bytes, flight.oldest]).toEqual([3, 2, 150, 0]);
    expect(flight.take(1)).toBeUndefined();
    expect(flight.take(0)?.length).toBe(100);
    expect(flight.take(0)).toBeUndefined();
    expect([flight.count, flight.bytes, flight.oldest]).toEqual([1, 50, 2]);
  });

  it('remembers when each sequence was sent', () => {
    const flight = new Flight();
    for (let i = 0; i < 300; i++) flight.record(10 * i, i % 2 === 0 ? copyOf(1) : undefined);
    expect(flight.sentAt(0)).toBe(0);
    expect(flight.sentAt(299)).toBe(2_990);
    expect(flight.sentAt(300)).toBeUndefined();
  });

  it('remembers longer once it was asked for what it forgot', () => {
    const flight = new Flight();
    const send = (messages: number) => {
      for (let i = 0; i < messages; i++) {
        const sequence = flight.next;
        flight.record(sequence, copyOf(1));
        pool.release(flight.take(sequence)!);
      }
    };
    send(200);
    expect(flight.sentAt(100)).toBeUndefined();
    expect(flight.sentAt(100)).toBeUndefined();
    send(200);
    expect(flight.sentAt(290)).toBe(290);
  });

  it('gives up the oldest copy beyond its largest span', () => {
    const flight = new Flight();
    const oldest = copyOf(1);
    flight.record(0, oldest);
    for (let i = 1; i < MAX_FLIGHT_SPAN; i++) expect(flight.record(i, undefined)).toBeUndefined();
    expect(flight.record(9, undefined)).toBe(oldest);
    expect([flight.count, flight.bytes]).toEqual([0, 0]);
  });
});
