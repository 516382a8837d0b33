/**
 * Whatever arrives, the tunnel never throws and lets nothing pass that it must not: checked against a slow reference
 * that reads addresses as text and compares them network by network.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Drops } from '../../../src/base/drops.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { formatIpv4 } from '../../../src/control/ip-text.ts';
import { TunnelClient } from '../../../src/tunnel/tunnel-client.ts';
import { TunnelGateway } from '../../../src/tunnel/tunnel-gateway.ts';
import { checksum, ipv4Problem, UNREACHABLE, writeUnreachable } from '../../../src/wire/ip.ts';
import { readLease, writeLease, writeLeaseRequest } from '../../../src/wire/tunnel-message.ts';
import {
  batchOf,
  fixChecksum,
  ipv4,
  MemorySession,
  MemoryTun,
  packetMessage,
  prefix,
} from '../../unit/tunnel/packets.ts';

const OWN_ADDRESS = '10.64.0.2';
const OWN_NETWORKS = ['203.0.113.0/24', '10.5.0.0/16'];
const ALLOWED = ['10.5.1.0/24', '192.168.9.9/32', '10.64.3.0/24'];
const RESOLVER = '203.0.113.53';

/** Interesting addresses: borders of every network that matters, and any other. */
const address = fc.oneof(
  fc.constantFrom(
    ...[OWN_ADDRESS, RESOLVER, '10.64.0.1', '10.64.0.3', '10.64.3.3', '10.5.0.255', '10.5.1.0', '10.5.1.255'],
    ...['10.5.2.0', '192.168.9.8', '192.168.9.9', '127.0.0.1', '169.254.1.1', '224.0.0.1', '255.255.255.255'],
    ...['0.0.0.0', '172.15.255.255', '172.16.0.0', '172.31.255.255', '172.32.0.0', '100.63.255.255', '100.64.0.0'],
    ...['203.0.112.255', '203.0.113.0', '203.0.114.0', '198.51.100.80', '8.8.8.8', '223.255.255.255'],
  ),
  fc.nat(0xffff_ffff).map(formatIpv4),
);

/** Packets that are mostly right, with a field or two broken now and then. */
const packets = fc
  .record({
    source: fc.oneof({ weight: 4, arbitrary: fc.constant(OWN_ADDRESS) }, { weight: 1, arbitrary: address }),
    destination: address,
    protocol: fc.constantFrom(1, 6, 17, 47),
    fragment: fc.constantFrom(0, 0, 0, 0x4000, 0x2000, 0x0001, 0x1fff),
    payload: fc.uint8Array({ maxLength: 60 }),
    port: fc.constantFrom(53, 53, 80, 853),
    break: fc.option(fc.tuple(fc.nat(23), fc.nat(255)), { freq: 4 }),
    cut: fc.option(fc.nat(90), { freq: 8 }),
    fixed: fc.boolean(),
  })
  .map((fields) => {
    const bytes = new Uint8Array(20 + fields.payload.length);
    bytes[0] = 0x45;
    bytes[3] = bytes.length;
    bytes[6] = fields.fragment >>> 8;
    bytes[7] = fields.fragment;
    bytes[8] = 64;
    bytes[9] = fields.protocol;
    bytes.set(fields.source.split('.').map(Number), 12);
    bytes.set(fields.destination.split('.').map(Number), 16);
    bytes.set(fields.payload, 20);
    if (bytes.length >= 24) bytes.set([fields.port >>> 8, fields.port & 255], 22);
    fixChecksum(bytes);
    if (fields.break !== null) {
      const [at, value] = fields.break;
      bytes[Math.min(at, bytes.length - 1)] = value;
      if (fields.fixed) fixChecksum(bytes);
    }
    return fields.cut === null ? bytes : bytes.slice(0, fields.cut);
  });

/** The reference: bits as text. */
function isIn(addressText: string, network: string): boolean {
  const bits = (text: string): string =>
    text
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('');
  const [base, length] = network.split('/');
  return bits(addressText).slice(0, Number(length)) === bits(base).slice(0, Number(length));
}

/** The reference: RFC 791's header read field by field, the sum taken over all ten words at once. */
function isWholePacket(bytes: Uint8Array): boolean {
  if (bytes.length < 20 || bytes[0] !== 0x45 || bytes[2] * 256 + bytes[3] !== bytes.length) return false;
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += bytes[at] * 256 + bytes[at + 1];
  return sum > 0 && sum % 0xffff === 0;
}

const textAt = (bytes: Uint8Array, at: number): string => [...bytes.subarray(at, at + 4)].join('.');

function mayPass(bytes: Uint8Array): boolean {
  if (!isWholePacket(bytes) || textAt(bytes, 12) !== OWN_ADDRESS) return false;
  const to = textAt(bytes, 16);
  const protocol = bytes[9];
  const isFirstPiece = (bytes[6] & 0x1f) === 0 && bytes[7] === 0;
  const hasPort = (protocol === 6 || protocol === 17) && isFirstPiece && bytes.length >= 24;
  if (to === RESOLVER && hasPort && bytes[22] === 0 && bytes[23] === 53) return true;
  if (to === '10.64.0.1') return protocol === 1;
  if (isIn(to, '10.64.0.0/16')) return false;
  if (ALLOWED.some((network) => isIn(to, network))) return true;
  const refused = [
    ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
    ...['192.0.0.0/24', '192.168.0.0/16', '224.0.0.0/3', ...OWN_NETWORKS],
  ];
  return !refused.some((network) => isIn(to, network));
}

function createGateway(tun: MemoryTun): { gateway: TunnelGateway; session: MemorySession } {
  const gateway = new TunnelGateway({
    pool: prefix('10.64.0.0/16'),
    resolver: ipv4(RESOLVER),
    mtuBytes: 1_400,
    ownNetworks: OWN_NETWORKS.map(prefix),
    allow: ALLOWED.map(prefix),
    tun,
    drops: new Drops(),
    random: new SeededRandom(1, 'flows'),
    store: { load: () => [], save: () => {} },
    wallMs: () => 0,
  });
  const session = new MemorySession(1);
  gateway.start(0);
  gateway.clientOpened(session, 0);
  gateway.clientMessage(session, writeLeaseRequest(ipv4(OWN_ADDRESS)), 0);
  session.take();
  return { gateway, session };
}

function createClient(tun: MemoryTun): { client: TunnelClient; session: MemorySession } {
  const client = new TunnelClient({
    tun,
    drops: new Drops(),
    random: new SeededRandom(1, 'flows'),
    events: { leased: () => {}, refused: () => {} },
    mtuBytes: 1_400,
    ownNetworks: [],
  });
  const session = new MemorySession(1);
  const terms = { address: ipv4(OWN_ADDRESS), prefixLength: 16, gateway: ipv4('10.64.0.1'), resolver: 0 };
  client.sessionOpened(session, 0);
  client.message(writeLease({ ...terms, mtuBytes: 1_400, seconds: 3_600 }), 0);
  session.take();
  return { client, session };
}

/** Plenty: a packet costs microseconds. */
const RUNS = { numRuns: 5_000 };

describe('a gateway', () => {
  const tun = new MemoryTun();
  const { gateway, session } = createGateway(tun);

  test('passes a packet of a client exactly when the reference does', () => {
    let passed = 0;
    fc.assert(
      fc.property(packets, (bytes) => {
        gateway.clientMessage(session, packetMessage(bytes), 0);
        gateway.drain(0);
        session.take();
        const out = tun.take();
        passed += out.length;
        expect(out).toEqual(mayPass(bytes) ? [bytes] : []);
      }),
      RUNS,
    );
    // Or the packets above are too broken to show anything.
    expect(passed).toBeGreaterThan(RUNS.numRuns / 20);
  });

  test('gives a client what is addressed to it, and nothing else', () => {
    fc.assert(
      fc.property(packets, (bytes) => {
        gateway.packets(batchOf(bytes), 0);
        const isOurs = isWholePacket(bytes) && textAt(bytes, 16) === OWN_ADDRESS;
        expect(session.take()).toEqual(isOurs ? [packetMessage(bytes)] : []);
      }),
      RUNS,
    );
  });

  test('survives any message, and answers with whole packets to the client only', () => {
    const kinds = fc.constantFrom(0x01, 0x02, 0x03, 0x04, 0x10, 0x11);
    const messages = fc
      .tuple(kinds, fc.uint8Array({ maxLength: 100 }))
      .map(([kind, body]) => Uint8Array.of(kind, ...body));
    fc.assert(
      fc.property(fc.oneof(messages, fc.uint8Array({ maxLength: 100 })), fc.nat(1e6), (message, now) => {
        gateway.clientMessage(session, message, now);
        for (const answer of session.take()) {
          if (answer[0] !== 0x01) continue;
          expect(isWholePacket(answer.subarray(2))).toBe(true);
          expect(textAt(answer, 2 + 16)).toBe(OWN_ADDRESS);
        }
      }),
      RUNS,
    );
  });
});

describe('a client', () => {
  const tun = new MemoryTun();
  const { client, session } = createClient(tun);

  test('sends the whole packets with its own source address, and nothing else', () => {
    fc.assert(
      fc.property(packets, (bytes) => {
        client.packets(batchOf(bytes), 0);
        const isOurs = isWholePacket(bytes) && textAt(bytes, 12) === OWN_ADDRESS;
        expect(session.take()).toEqual(isOurs ? [packetMessage(bytes)] : []);
      }),
      RUNS,
    );
  });

  test('writes to its TUN device the whole packets with its own destination address, and nothing else', () => {
    fc.assert(
      fc.property(packets, (bytes) => {
        client.message(packetMessage(bytes), 0);
        client.drain(0);
        const isOurs = isWholePacket(bytes) && textAt(bytes, 16) === OWN_ADDRESS;
        expect(tun.take()).toEqual(isOurs ? [bytes] : []);
      }),
      RUNS,
    );
  });

  test('without a session answers with whole ICMP errors or not at all, and never to an error', () => {
    const lone = new MemoryTun();
    const offline = createClient(lone);
    offline.client.sessionClosed(offline.session, 0);
    let now = 0;
    fc.assert(
      fc.property(packets, (bytes) => {
        now += 1_000;
        offline.client.packets(batchOf(bytes), now);
        offline.client.drain(now);
        for (const error of lone.take()) {
          expect(isWholePacket(error)).toBe(true);
          expect(textAt(error, 16)).toBe(textAt(bytes, 12));
          expect([...error.subarray(20, 22)]).toEqual([3, 0]);
          expect(checksum(error, 20, error.length - 20)).toBe(0);
          expect(bytes[9] === 1 && bytes[20] !== 8).toBe(false);
        }
      }),
      RUNS,
    );
  });
});

describe('codecs', () => {
  test('the check of a packet agrees with the reference on any bytes', () => {
    fc.assert(
      fc.property(fc.oneof(packets, fc.uint8Array({ maxLength: 60 })), (bytes) => {
        expect(ipv4Problem(bytes, 0, bytes.length) === undefined).toBe(isWholePacket(bytes));
      }),
      RUNS,
    );
  });

  test('a lease that is read is written back as the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 19, maxLength: 19 }), (body) => {
        const message = Uint8Array.of(0x03, ...body);
        const lease = readLease(message);
        if (lease !== undefined) expect(writeLease(lease)).toEqual(message);
      }),
      RUNS,
    );
  });

  test('an ICMP error of any packet fits its limit and never runs over the bytes behind it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 1_500 }), (bytes) => {
        const out = new Uint8Array(600).fill(0xee);
        const length = writeUnreachable(out, 0, UNREACHABLE.host, 0, 1, bytes, 0, bytes.length);
        expect(length).toBe(Math.min(576, bytes.length + 28));
        expect(out.subarray(length).every((byte) => byte === 0xee)).toBe(true);
      }),
      RUNS,
    );
  });
});
