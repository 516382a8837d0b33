/** A run of pieces that a link takes at once, beside the same ones taken one by one. */
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { BULK, REAL_TIME, RELIABLE, type TrafficClass } from '../../../src/base/traffic-class.ts';
import { createOutgoingRun } from '../../../src/link/frame-source.ts';
import { DATA_OVERHEAD_BYTES } from '../../../src/wire/frames.ts';
import { bytesOf, openAs, openRoute, RouteNetwork } from './route-network.ts';

/** What a datagram carries. */
interface Taken {
  readonly token: number;
  readonly sequence: number;
  readonly message: number;
  readonly offset: number;
  readonly bytes: number;
  readonly first: number;
}

/** A node with a route, whose link takes nothing by itself. */
class Bench {
  readonly network = RouteNetwork.chain(3);
  private readonly run = createOutgoingRun();
  private readonly route;
  private readonly frameBytes = this.network.pieceBytes + DATA_OVERHEAD_BYTES;

  constructor() {
    const [a, b, c] = this.network.nodes;
    this.route = openRoute(this.network, a, b, c);
    this.network.run(50);
    this.network.windowOf = (node) => (node === a ? 0 : 64);
  }

  send(bytes: number): boolean {
    const [a] = this.network.nodes;
    return a.layer.send(this.route, bytesOf(bytes, bytes), this.network.now) >= 0;
  }

  /** Something of another route that waits beside the first. */
  beside(trafficClass: TrafficClass): void {
    const [a, b, c] = this.network.nodes;
    const route = openAs(this.network, { trafficClass, deliveryMs: RELIABLE }, a, b, c);
    a.layer.send(route, bytesOf(2_000), this.network.now);
  }

  /** Room for everything. */
  credit(): void {
    const [a, b] = this.network.nodes;
    const [sent] = this.network.parcels.filter((parcel) => parcel.to === b.name && parcel.piece !== undefined);
    const id = sent.piece!.buffer.slice(0, 16);
    a.layer.forwarding.credit(this.network.linkTo(b), id, 0, 2 ** 40, this.network.now);
  }

  takeOne(): Taken[] {
    const [a, b] = this.network.nodes;
    const { token, parcel } = this.network.pull(a, b);
    if (token < 0) return [];
    const { sequence, message, offset, length, buffer, start } = parcel!.piece!;
    return [{ token, sequence, message, offset, bytes: length, first: buffer[start] }];
  }

  takeRun(most: number): Taken[] {
    const [a, b] = this.network.nodes;
    const { run, network } = this;
    const count = a.layer.forwarding.nextRun(network.linkTo(b), this.frameBytes, most, network.now, run);
    return Array.from({ length: count }, (_, i) => ({
      token: run.tokens[i],
      sequence: run.sequence + i,
      message: run.message,
      offset: run.offset + i * run.eachBytes,
      bytes: run.eachBytes,
      first: run.buffer[run.start + i * run.eachBytes],
    }));
  }

  settle(token: number, arrived: boolean): void {
    const [a, b] = this.network.nodes;
    const { forwarding } = a.layer;
    if (arrived) forwarding.acked(this.network.linkTo(b), Float64Array.of(token), 1, this.network.now);
    else forwarding.lost(this.network.linkTo(b), token, this.network.now);
  }
}

const nameless = (taken: readonly Taken[]) => taken.map(({ token, ...rest }) => rest);

describe('a run', () => {
  test('is what would have been taken one by one, whatever is lost', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = new SeededRandom(seed, 'runs');
      const below = (most: number) => Math.floor(random.unit() * most);
      const [single, joined] = [new Bench(), new Bench()];
      for (const bench of [single, joined]) {
        bench.send(10);
        bench.network.windowOf = () => 64;
        bench.network.run(50);
        bench.network.windowOf = (node) => (node === bench.network.nodes[0] ? 0 : 64);
        if (seed % 2 === 0) bench.credit();
      }
      const flying: [Taken, Taken][] = [];
      for (let step = 0; step < 60; step++) {
        const bytes = 1 + below(65_535);
        expect(single.send(bytes)).toBe(joined.send(bytes));
        const run = joined.takeRun(1 + below(64));
        const taken = run.length > 0 ? run : joined.takeOne();
        const expected = taken.flatMap(() => single.takeOne());
        expect(nameless(taken)).toEqual(nameless(expected));
        for (let i = 0; i < taken.length; i++) flying.push([taken[i], expected[i]]);
        for (let i = below(flying.length + 1); i > 0; i--) {
          const [[a, b]] = flying.splice(below(flying.length), 1);
          const arrives = random.unit() < 0.8;
          joined.settle(a.token, arrives);
          single.settle(b.token, arrives);
        }
      }
      expect(joined.network.nodes[0].layer.status()).toEqual(single.network.nodes[0].layer.status());
    }
  });
  test.each([
    ['Bulk', BULK],
    ['Real Time', REAL_TIME],
  ] as const)('is nothing while another route has %s to send', (_name, trafficClass) => {
    const bench = new Bench();
    bench.send(60_000);
    bench.beside(trafficClass);
    expect(bench.takeRun(8)).toEqual([]);
    let taken = 0;
    for (let run: Taken[] = []; run.length === 0; run = bench.takeRun(8)) {
      expect(bench.takeOne()).toHaveLength(1);
      taken++;
    }
    expect(taken).toBeGreaterThanOrEqual(2);
  });
});
