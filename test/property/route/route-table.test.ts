import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { NONE } from '../../../src/route/id-index.ts';
import { RouteTable } from '../../../src/route/route-table.ts';

/** Few ids and ports, so that they meet again and again. */
const command = fc.record({
  remove: fc.boolean(),
  side: fc.nat({ max: 1 }),
  port: fc.nat({ max: 2 }),
  inId: fc.nat({ max: 400 }),
  outId: fc.nat({ max: 400 }),
});

function idOf(number: number): Uint8Array {
  const id = new Uint8Array(16);
  new SeededRandom(number, 'id').fill(id);
  return id;
}

describe('the route table', () => {
  it('agrees with a plain map, whatever is added and removed', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 1_500 }), (commands) => {
        const table = new RouteTable(new SeededRandom(9, 'table'), 100_000);
        const incoming = new Map<string, number>();
        const outgoing = new Map<string, number>();
        const slots: { slot: number; inKey: string; outKey: string }[] = [];
        for (const { remove, side, port, inId, outId } of commands) {
          const known = slots.pop();
          if (remove && known !== undefined) {
            incoming.delete(known.inKey);
            outgoing.delete(known.outKey);
            table.release(known.slot);
            continue;
          }
          if (known !== undefined) slots.unshift(known);
          const [inKey, outKey] = [`${port} ${inId}`, `${port} ${outId}`];
          const slot = table.claim(0, 0);
          const fits = !incoming.has(inKey) && !outgoing.has(outKey);
          if (table.attach(2 * slot + side, port, idOf(inId), idOf(outId)) !== fits)
            throw new Error('attach disagrees');
          if (!fits) table.release(slot);
          else {
            slots.push({ slot, inKey, outKey });
            incoming.set(inKey, 2 * slot + side);
            outgoing.set(outKey, 2 * slot + side);
          }
        }
        expect(table.count).toBe(slots.length);
        for (let port = 0; port < 3; port++) {
          for (let number = 0; number <= 400; number++) {
            const [id, key] = [idOf(number), `${port} ${number}`];
            if (table.findIncoming(port, id, 0) !== (incoming.get(key) ?? NONE)) throw new Error(`incoming ${key}`);
            if (table.findOutgoing(port, id, 0) !== (outgoing.get(key) ?? NONE)) throw new Error(`outgoing ${key}`);
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});
