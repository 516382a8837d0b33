/** Which route's frames a link gets, taken by hand from a relay whose buffers are full. */
import { describe, expect, it } from 'vitest';
import type { RouteHandle } from '../../../src/base/ids.ts';
import { BULK, REAL_TIME, RELIABLE, type TrafficClass } from '../../../src/base/traffic-class.ts';
import { bytesOf, openAs, RouteNetwork, type TestNode } from './route-network.ts';

interface Bench {
  readonly network: RouteNetwork;
  readonly from: TestNode;
  readonly to: TestNode;
  /** Opens a route that begins at `from`. */
  own(trafficClass: TrafficClass): Feed;
  /** Opens a route that passes through `from`. */
  transit(trafficClass: TrafficClass): Feed;
  /** Takes datagrams and has them acknowledged; what each feed got, in bytes of pieces. */
  takeDatagrams(count: number, feeds: readonly Feed[]): number[];
}

interface Feed {
  /** Messages of this length are sent when there is room. */
  length: number;
  readonly mark: number;
  fill(): void;
}

function bench(): Bench {
  const network = RouteNetwork.chain(3);
  const [source, from, to] = network.nodes;
  let marks = 0;
  const feed = (node: TestNode, route: RouteHandle): Feed => {
    network.run(50);
    const mark = ++marks;
    return {
      length: 1_000,
      mark,
      fill() {
        while (node.layer.send(route, bytesOf(this.length).fill(mark), network.now) >= 0);
      },
    };
  };
  const promise = (trafficClass: TrafficClass) => ({ trafficClass, deliveryMs: RELIABLE });
  return {
    network,
    from,
    to,
    own: (trafficClass) => feed(from, openAs(network, promise(trafficClass), from, to)),
    transit: (trafficClass) => feed(source, openAs(network, promise(trafficClass), source, from, to)),
    takeDatagrams: (count, feeds) => {
      const got = feeds.map(() => 0);
      const link = network.linkTo(to);
      // The link under test takes nothing itself.
      network.windowOf = (node) => (node === from ? 0 : 64);
      for (let i = 0; i < count; i++) {
        for (const each of feeds) each.fill();
        network.run(1);
        const tokens: number[] = [];
        let room = network.pieceBytes + 30;
        for (let pulled = network.pull(from, to, room); pulled.token >= 0; pulled = network.pull(from, to, room)) {
          room -= pulled.bytes;
          tokens.push(pulled.token);
          const piece = pulled.parcel!.piece!;
          const at = feeds.findIndex(({ mark }) => mark === piece.buffer[16]);
          if (at >= 0) got[at] += piece.length;
          to.layer.forwarding.data(network.linkTo(from), piece, network.now);
        }
        from.layer.forwarding.acked(link, Float64Array.from(tokens), tokens.length, network.now);
        network.passLimits(to, from);
      }
      return got;
    },
  };
}

describe('the scheduler of a link', () => {
  it('gives routes of a class equal parts, whatever the length of their pieces', () => {
    const { own, takeDatagrams } = bench();
    const feeds = [own(BULK), own(BULK), own(BULK)];
    feeds[1].length = 100;
    feeds[2].length = 5_000;
    const got = takeDatagrams(600, feeds);
    const whole = got.reduce((sum, bytes) => sum + bytes, 0);
    // A piece of 100 bytes pays for a header of 30.
    for (const bytes of got) expect(bytes / whole).toBeGreaterThan(0.26);
  });

  it('lets Real Time go first', () => {
    const { own, takeDatagrams, network, from, to } = bench();
    const [bulk, voice] = [own(BULK), own(REAL_TIME)];
    voice.length = 200;
    takeDatagrams(50, [bulk]);
    bulk.fill();
    voice.fill();
    expect(network.pull(from, to).parcel!.piece!.buffer[16]).toBe(voice.mark);
  });

  it('keeps Bulk out of a datagram that carries Real Time, which further Real Time may share', () => {
    const { own, takeDatagrams, network, from, to } = bench();
    const [bulk, voice] = [own(BULK), own(REAL_TIME)];
    voice.length = 200;
    bulk.length = 200;
    takeDatagrams(50, [bulk]);
    bulk.fill();
    voice.fill();
    let room = network.pieceBytes + 30;
    const marks = new Set<number>();
    for (let pulled = network.pull(from, to, room); ; pulled = network.pull(from, to, room)) {
      if (pulled.token < 0) {
        expect(pulled.token).toBe(-2);
        break;
      }
      marks.add(pulled.parcel!.piece!.buffer[16]);
      room -= pulled.bytes;
    }
    expect([...marks]).toEqual([voice.mark]);
  });

  it('leaves Bulk a fifth under an overload of Real Time, and Real Time everything without Bulk', () => {
    const { own, takeDatagrams } = bench();
    const [bulk, voice] = [own(BULK), own(REAL_TIME)];
    const both = takeDatagrams(500, [bulk, voice]);
    const share = both[0] / (both[0] + both[1]);
    expect(share).toBeGreaterThan(0.18);
    expect(share).toBeLessThan(0.25);
  });

  it('lets own routes go before transit when asked, and keeps transit alive', () => {
    const { own, transit, takeDatagrams, from } = bench();
    const [ours, theirs] = [own(BULK), transit(BULK)];
    const equal = takeDatagrams(400, [ours, theirs]);
    expect(equal[1] / (equal[0] + equal[1])).toBeGreaterThan(0.4);
    from.layer.setTransit({ ownFirst: true }, 0);
    takeDatagrams(50, [ours, theirs]);
    const got = takeDatagrams(1_000, [ours, theirs]);
    const share = got[1] / (got[0] + got[1]);
    expect(share).toBeLessThan(0.015);
    expect(share).toBeGreaterThan(0.005);
    // What is left of ours goes first; then transit's bound grows with what it gets.
    takeDatagrams(100, [theirs]);
    const alone = takeDatagrams(100, [theirs]);
    expect(alone[0]).toBeGreaterThan(90_000);
  });

  it('answers NO_ROOM when what there is does not fit, and never to an empty datagram', () => {
    const { own, network, from, to } = bench();
    const bulk = own(BULK);
    network.windowDatagrams = 0;
    bulk.fill();
    expect(network.pull(from, to, 100).token).toBe(-2);
    expect(network.pull(from, to).token).toBeGreaterThanOrEqual(0);
    network.pieceBytes = 200;
    expect(network.pull(from, to).token).toBeGreaterThanOrEqual(0);
  });
});
