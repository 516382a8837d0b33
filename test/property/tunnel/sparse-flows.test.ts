/** What holds of sparse flows whatever is sent and whenever. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SparseFlows } from '../../../src/tunnel/sparse-flows.ts';
import {
  SPARSE_BUCKETS,
  SPARSE_BURST_BYTES,
  SPARSE_BYTES_PER_MS,
  SPARSE_PAUSE_MS,
} from '../../../src/tunnel/tuning.ts';

/** Mostly close together, at times with a pause; gaps around the length of the pause among them. */
const gapMs = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: 0, max: 60, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(SPARSE_PAUSE_MS - 0.5, SPARSE_PAUSE_MS, SPARSE_PAUSE_MS + 0.5, 90_000) },
);
const arrivals = fc.array(
  fc.record({ gapMs, bytes: fc.integer({ min: 20, max: 9_000 }), isTcp: fc.boolean(), flow: fc.nat(3) }),
  { minLength: 1, maxLength: 200 },
);

/** Each packet of one flow with what became of it. */
function run(packets: { gapMs: number; bytes: number; isTcp: boolean; flow: number }[]) {
  const flows = new SparseFlows();
  let now = 1_000;
  return packets.map((packet) => {
    now += packet.gapMs;
    return { ...packet, at: now, isSparse: flows.count(packet.flow, packet.bytes, packet.isTcp, now) };
  });
}

test('a flow gets no more first class in any span of time than its burst and its rate', () => {
  fc.assert(
    fc.property(arrivals, (packets) => {
      const counted = run(packets);
      for (let flow = 0; flow < 4; flow++) {
        const sparse = counted.filter((packet) => packet.flow === flow && packet.isSparse);
        for (let first = 0; first < sparse.length; first++) {
          let bytes = 0;
          for (const packet of sparse.slice(first)) {
            bytes += packet.bytes;
            const most = SPARSE_BURST_BYTES + (packet.at - sparse[first].at) * SPARSE_BYTES_PER_MS;
            expect(bytes).toBeLessThanOrEqual(most + 1e-6);
          }
        }
      }
    }),
  );
});

test('a flow never comes back to the first class without a pause', () => {
  fc.assert(
    fc.property(arrivals, (packets) => {
      const one = run(packets.map((packet) => ({ ...packet, flow: 7 })));
      for (let i = 1; i < one.length; i++) {
        const hasPaused = one[i].at - one[i - 1].at >= SPARSE_PAUSE_MS;
        if (one[i].isSparse && !one[i - 1].isSparse) expect(hasPaused).toBe(true);
      }
    }),
  );
});

test('flows that share a bucket count as one flow', () => {
  fc.assert(
    fc.property(arrivals, (packets) => {
      const together = run(packets.map((packet) => ({ ...packet, flow: 7 })));
      const sharing = run(packets.map((packet) => ({ ...packet, flow: 7 + packet.flow * SPARSE_BUCKETS })));
      expect(sharing.map(({ isSparse }) => isSparse)).toEqual(together.map(({ isSparse }) => isSparse));
    }),
  );
});
