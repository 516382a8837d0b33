import { beforeEach, describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { BULK, REAL_TIME } from '../../../src/base/traffic-class.ts';
import { ALL_RULES, Classifier, type RealTimeRules } from '../../../src/tunnel/classifier.ts';
import { SPARSE_PAUSE_MS } from '../../../src/tunnel/tuning.ts';
import { PROTOCOL } from '../../../src/wire/ip.ts';
import { packet } from './packets.ts';

const LAPTOP = '10.64.0.2';
const WEB = '198.51.100.80';
const NO_RULES: RealTimeRules = { dscp: false, icmp: false, dns: false, sparse: false };
const CODE_POINTS = { CS5: 40, EF: 46, CS6: 48, CS7: 56, AF41: 34, AF42: 36, AF43: 38 };

let classifier: Classifier;
beforeEach(() => {
  classifier = only({});
});

/** A classifier with these rules and no others. */
function only(rules: Partial<RealTimeRules>): Classifier {
  return new Classifier(new SeededRandom(1, 'flows'), { ...NO_RULES, ...rules });
}

function lane(bytes: Uint8Array, now = 0) {
  return { ...classifier.classify(bytes, 0, bytes.length, now) };
}

function classOf(bytes: Uint8Array, now = 0) {
  return lane(bytes, now).trafficClass;
}

describe('a mark of the sender', () => {
  test.each(Object.entries(CODE_POINTS))('%s is Real Time, whatever the two ECN bits are', (_name, dscp) => {
    classifier = only({ dscp: true });
    for (const ecn of [0, 1, 2, 3])
      expect(classOf(packet(LAPTOP, WEB, { trafficClass: dscp * 4 + ecn }))).toBe(REAL_TIME);
  });

  test('of any other code point is Bulk', () => {
    classifier = only({ dscp: true });
    const realTime = new Set(Object.values(CODE_POINTS));
    for (let dscp = 0; dscp < 64; dscp++) {
      const expected = realTime.has(dscp) ? REAL_TIME : BULK;
      expect(classOf(packet(LAPTOP, WEB, { trafficClass: dscp * 4 }))).toBe(expected);
    }
  });

  test('is looked at in fragments too', () => {
    classifier = only({ dscp: true });
    expect(classOf(packet(LAPTOP, WEB, { trafficClass: 46 * 4, fragmentOffset: 100 }))).toBe(REAL_TIME);
  });
});

test('TCP is patient, sparse or dense, and nothing else is', () => {
  classifier = only({ sparse: true });
  const tcp = packet(LAPTOP, WEB, { protocol: PROTOCOL.tcp, port: 22 });
  const lanes = [tcp, tcp, tcp, tcp, tcp, tcp].map((bytes) => lane(bytes));
  expect(lanes.map(({ patient }) => patient)).toEqual(lanes.map(() => true));
  expect([lanes[0].trafficClass, lanes[5].trafficClass]).toEqual([REAL_TIME, BULK]);
  expect(lane(packet(LAPTOP, WEB, { port: 22 })).patient).toBe(false);
  expect(lane(packet(LAPTOP, WEB, { protocol: PROTOCOL.icmp })).patient).toBe(false);
});

describe('each rule', () => {
  const marked = packet(LAPTOP, WEB, { trafficClass: 46 * 4, port: 9 });
  const ping = packet(LAPTOP, WEB, { protocol: PROTOCOL.icmp });
  const query = packet(LAPTOP, WEB, { port: 53, sourcePort: 40_000 });
  const answer = packet(WEB, LAPTOP, { port: 40_000, sourcePort: 53 });
  const plain = packet(LAPTOP, WEB, { port: 9 });
  const all = [marked, ping, query, answer, plain];

  test.each([
    ['none', {}, [BULK, BULK, BULK, BULK, BULK]],
    ['dscp', { dscp: true }, [REAL_TIME, BULK, BULK, BULK, BULK]],
    ['icmp', { icmp: true }, [BULK, REAL_TIME, BULK, BULK, BULK]],
    ['dns', { dns: true }, [BULK, BULK, REAL_TIME, REAL_TIME, BULK]],
    ['sparse', { sparse: true }, [REAL_TIME, REAL_TIME, REAL_TIME, REAL_TIME, REAL_TIME]],
    ['all of them', ALL_RULES, [REAL_TIME, REAL_TIME, REAL_TIME, REAL_TIME, REAL_TIME]],
  ] as const)('%s', (_name, rules, expected) => {
    classifier = only(rules);
    expect(all.map((bytes) => classOf(bytes))).toEqual(expected);
  });

  test('of DNS is for UDP: a zone over TCP wants its order', () => {
    classifier = only({ dns: true });
    expect(classOf(packet(LAPTOP, WEB, { protocol: PROTOCOL.tcp, port: 53 }))).toBe(BULK);
  });
});

describe('flows', () => {
  test('are told apart by each of the five fields', () => {
    const one = { port: 443, sourcePort: 50_000, protocol: PROTOCOL.tcp };
    const others = [
      packet('10.64.0.3', WEB, one),
      packet(LAPTOP, '198.51.100.81', one),
      packet(LAPTOP, WEB, { ...one, port: 444 }),
      packet(LAPTOP, WEB, { ...one, sourcePort: 50_001 }),
      packet(LAPTOP, WEB, { ...one, protocol: PROTOCOL.udp }),
    ];
    const flows = [packet(LAPTOP, WEB, one), ...others].map((bytes) => lane(bytes).flow);
    expect(new Set(flows).size).toBe(6);
    expect(lane(packet(LAPTOP, WEB, { ...one, length: 1_000, trafficClass: 4 })).flow).toBe(flows[0]);
  });

  test('have other numbers under another secret', () => {
    const bytes = packet(LAPTOP, WEB);
    const numbers = [1, 2, 3].map(
      (seed) => new Classifier(new SeededRandom(seed, 'flows')).classify(bytes, 0, bytes.length, 0).flow,
    );
    expect(new Set(numbers).size).toBe(3);
  });

  test('of fragments go by what the parts of a packet share, and are never sparse', () => {
    classifier = only(ALL_RULES);
    const first = lane(packet(LAPTOP, WEB, { port: 53, moreFragments: true }));
    // Where the ports would stand, later fragments have payload.
    const later = lane(packet(LAPTOP, WEB, { port: 7_777, fragmentOffset: 185 }));
    expect(later).toEqual(first);
    expect(first.trafficClass).toBe(BULK);
    expect(lane(packet(LAPTOP, WEB, { port: 53 })).flow).not.toBe(first.flow);
  });

  test('are spread over buckets evenly', () => {
    const buckets = new Uint32Array(64);
    for (let port = 0; port < 6_400; port++) buckets[lane(packet(LAPTOP, WEB, { port })).flow % 64]++;
    // Binomial: 100 on average, 10 the deviation.
    for (const count of buckets) expect(Math.abs(count - 100)).toBeLessThan(50);
  });
});

describe('a sparse flow', () => {
  beforeEach(() => {
    classifier = only({ sparse: true });
  });

  /** The classes of packets of `length` bytes each `gapMs`. */
  function stream(count: number, gapMs: number, length: number, protocol: number, startMs = 0) {
    return Array.from({ length: count }, (_, i) =>
      classOf(packet(LAPTOP, WEB, { length, protocol, port: 5_060 }), startMs + i * gapMs),
    );
  }

  test('stays so for as long as it sends little: a call of 100 packets a second', () => {
    expect(new Set(stream(6_000, 10, 228, PROTOCOL.udp))).toEqual(new Set([REAL_TIME]));
  });

  test('is demoted when it grows, and the packets before that keep their class', () => {
    expect(stream(5, 0.1, 1_340, PROTOCOL.udp)).toEqual([REAL_TIME, REAL_TIME, BULK, BULK, BULK]);
  });

  test('that was demoted stays in Bulk without a pause, however little it sends', () => {
    stream(3, 0, 1_340, PROTOCOL.udp);
    const slow = stream(20, SPARSE_PAUSE_MS - 1, 100, PROTOCOL.udp, 10);
    expect(new Set(slow)).toEqual(new Set([BULK]));
  });

  test('comes back after a pause', () => {
    stream(30, 0, 1_340, PROTOCOL.udp);
    expect(stream(2, 0, 1_340, PROTOCOL.udp, SPARSE_PAUSE_MS)).toEqual([REAL_TIME, REAL_TIME]);
  });

  test('may be somebody typing, but not the acknowledgements of a download', () => {
    const acknowledgements = stream(400, 5, 52, PROTOCOL.tcp);
    expect(acknowledgements.indexOf(BULK)).toBeLessThan(10);
    expect(acknowledgements.slice(10)).not.toContain(REAL_TIME);
    expect(stream(300, 100, 88, PROTOCOL.tcp, 60_000)).not.toContain(BULK);
  });

  test('is not made of many tiny packets', () => {
    expect(stream(200, 2, 29, PROTOCOL.udp).at(-1)).toBe(BULK);
  });

  test('is not demoted by another flow that is large', () => {
    for (let i = 0; i < 100; i++) classOf(packet(LAPTOP, WEB, { length: 1_340, port: 80 }), i);
    expect(classOf(packet(LAPTOP, WEB, { port: 81 }), 100)).toBe(REAL_TIME);
  });
});
