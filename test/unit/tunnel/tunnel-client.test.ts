import { beforeEach, describe, expect, test } from 'vitest';
import { createPacketBatch } from '../../../src/base/datagram.ts';
import { Drops } from '../../../src/base/drops.ts';
import { NEVER } from '../../../src/base/env.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { BULK, REAL_TIME } from '../../../src/base/traffic-class.ts';
import { policyCodePoint } from '../../../src/tunnel/policy-mark.ts';
import { ICMP_BURST } from '../../../src/tunnel/tuning.ts';
import { TunnelClient, type TunnelClientOptions } from '../../../src/tunnel/tunnel-client.ts';
import { destinationOf, dscpOf, PROTOCOL, sourceOf } from '../../../src/wire/ip.ts';
import {
  LEASE_REFUSAL,
  type Lease,
  type LeaseRefusal,
  packetStart,
  TREATMENT,
  TUNNEL_KIND,
  treatmentOf,
  writeEcho,
  writeLease,
  writeLeaseRefused,
  writeLeaseRequest,
  writeTrainHeader,
} from '../../../src/wire/tunnel-message.ts';
import { batchOf, ipv4, MemorySession, MemoryTun, packet, packetMessage, prefix } from './packets.ts';

const LEASE: Lease = {
  address: ipv4('10.64.0.2'),
  prefixLength: 16,
  gateway: ipv4('10.64.0.1'),
  resolver: ipv4('192.0.2.53'),
  mtuBytes: 1_300,
  seconds: 3_600,
};
const ECHO_REPLY = Uint8Array.of(TUNNEL_KIND.echoReply);

let drops: Drops;
let tun: MemoryTun;
let session: MemorySession;
let leases: Lease[];
let refusals: LeaseRefusal[];
let client: TunnelClient;

function createClient(options: Partial<TunnelClientOptions> = {}): TunnelClient {
  return new TunnelClient({
    tun,
    drops,
    random: new SeededRandom(1, 'flows'),
    events: { leased: (lease) => leases.push(lease), refused: (reason) => refusals.push(reason) },
    mtuBytes: 1_400,
    ownNetworks: [prefix('192.168.42.1/24')],
    ...options,
  });
}

beforeEach(() => {
  drops = new Drops();
  tun = new MemoryTun();
  session = new MemorySession(1);
  leases = [];
  refusals = [];
  client = createClient();
});

/** Wakes the client whenever it wants to, up to and with `until`. */
function run(until: number): void {
  for (let at = client.nextWakeAt(); at <= until; at = client.nextWakeAt()) client.wake(at);
}

function connect(now = 0): void {
  client.sessionOpened(session, now);
  client.message(writeLease(LEASE), now);
  session.take();
}

function sendUp(bytes: Uint8Array, now: number): void {
  client.packets(batchOf(bytes), now);
  client.drain(now);
}

/** Type and code of the only ICMP error since the last look. */
function icmpError(): number[] {
  const errors = tun.take();
  expect(errors).toHaveLength(1);
  return [...errors[0].subarray(20, 22)];
}

const up = packet('10.64.0.2', '198.51.100.80');
const down = packet('198.51.100.80', '10.64.0.2');

describe('the lease', () => {
  test('is asked for when the session opens, and every second until it is answered', () => {
    expect(client.nextWakeAt()).toBe(NEVER);
    client.sessionOpened(session, 100);
    run(3_100);
    const requests = session.take().filter(([kind]) => kind === TUNNEL_KIND.leaseRequest);
    expect(requests).toHaveLength(4);
    expect(requests[0]).toEqual(writeLeaseRequest(0));
    client.message(writeLease(LEASE), 3_150);
    expect(leases).toEqual([LEASE]);
    expect(client.status(3_150).state).toBe('leased');
  });

  test('is renewed after half of its life, silently', () => {
    connect();
    for (let now = 0; now < 1_800_000; now += 1_000) client.message(ECHO_REPLY, now);
    run(1_799_999);
    session.take();
    client.wake(1_800_000);
    expect(session.take()).toContainEqual(writeLeaseRequest(LEASE.address));
    client.message(writeLease(LEASE), 1_800_050);
    expect(leases).toHaveLength(1);
  });

  test('that changes is told again', () => {
    connect();
    client.message(writeLease({ ...LEASE, resolver: ipv4('192.0.2.54') }), 1_000);
    expect(leases.map((lease) => lease.resolver)).toEqual(['192.0.2.53', '192.0.2.54'].map(ipv4));
  });

  test('ends with its seconds when nobody renews it, and the same address is asked for', () => {
    connect();
    run(3_600_000);
    session.take();
    expect(client.status(3_600_000)).toMatchObject({ state: 'asking', lease: undefined, connected: false });
    run(3_601_000);
    expect(session.take()).toContainEqual(writeLeaseRequest(LEASE.address));
  });

  test('outlives its session: packets flow in the next one at once, and the address is asked for again', () => {
    connect();
    client.sessionClosed(session, 10_000);
    expect(client.status(10_000).state).toBe('offline');
    const next = new MemorySession(1);
    client.sessionOpened(next, 20_000);
    sendUp(up, 20_000);
    expect(next.take()).toEqual([writeLeaseRequest(LEASE.address), packetMessage(up)]);
  });

  test('that is refused is told, and asked for again 15 s later', () => {
    client.sessionOpened(session, 0);
    client.message(writeLeaseRefused(LEASE_REFUSAL.poolFull), 50);
    expect(refusals).toEqual([LEASE_REFUSAL.poolFull]);
    session.take();
    run(15_049);
    expect(session.takeKinds()).not.toContain(TUNNEL_KIND.leaseRequest);
    client.wake(15_050);
    expect(session.takeKinds()).toContain(TUNNEL_KIND.leaseRequest);
  });

  test('that is malformed or lies in the LAN is not taken', () => {
    client.sessionOpened(session, 0);
    client.message(writeLease(LEASE).subarray(1), 10);
    client.message(Uint8Array.of(TUNNEL_KIND.lease), 10);
    client.message(Uint8Array.of(TUNNEL_KIND.leaseRefused, 9), 10);
    client.message(writeLease({ ...LEASE, address: ipv4('192.168.42.77') }), 10);
    expect(leases).toEqual([]);
    expect(drops.toJSON()).toEqual({
      'tunnel-lease-malformed': 2,
      'tunnel-lease-not-usable': 1,
      'tunnel-message-unknown': 1,
    });
  });
});

describe('packets', () => {
  beforeEach(() => connect());

  test('go both ways unchanged and are counted', () => {
    sendUp(up, 10);
    client.message(packetMessage(down), 20);
    client.drain(20);
    expect(session.take()).toEqual([packetMessage(up)]);
    expect(tun.take()).toEqual([down]);
    expect(client.status(20)).toMatchObject({ packetsUp: 1, bytesUp: 100, packetsDown: 1, bytesDown: 100 });
  });

  test('of one flow in a row travel together as far as routes are fast, and come out one by one', () => {
    const batch = createPacketBatch(8, 8_192);
    const longer = packet('10.64.0.2', '198.51.100.80', { length: 1_000 });
    for (; batch.count < 8; batch.count++) {
      batch.arena.set(longer, 1_000 * batch.count);
      batch.offsets[batch.count] = 1_000 * batch.count;
      batch.lengths[batch.count] = 1_000;
    }
    session.messageBytes = 2_500;
    client.packets(batch, 10);
    // The first three are what a sparse flow may send at once.
    expect(session.take().map(({ length }) => length)).toEqual([1_002, 1_002, 1_002, 2_006, 2_006, 1_002]);
    expect(client.status(10)).toMatchObject({ packetsUp: 8, bytesUp: 8_000 });
    const train = new Uint8Array(2 + 2 * (2 + down.length));
    writeTrainHeader(train, 0, TREATMENT.own);
    train.set([0, down.length, ...down, 0, down.length, ...down], 2);
    client.message(train, 20);
    client.message(train.subarray(0, train.length - 1), 20);
    client.drain(20);
    expect(tun.take()).toEqual([down, down, down]);
    expect(drops.get('tunnel-packet-header')).toBe(1);
  });

  test('that the kernel gives as one leave as long as routes are fast, and come as one', () => {
    const batch = createPacketBatch(1, 65_536);
    const whole = packet('10.64.0.2', '198.51.100.80', { length: 4_040, protocol: PROTOCOL.tcp });
    whole.set([0x50, 0x10], 32);
    batch.arena.set(whole);
    batch.count = 1;
    batch.lengths[0] = whole.length;
    batch.segments[0] = 1_000;
    session.messageBytes = 3_000;
    client.packets(batch, 10);
    const messages = session.take();
    expect(messages.map((message) => [message[1], message.length])).toEqual([
      [1, 2_044],
      [1, 2_044],
    ]);
    expect(client.status(10)).toMatchObject({ packetsUp: 4, bytesUp: 4_040 });
    const [message] = messages;
    message.set([198, 51, 100, 80, 10, 64, 0, 2], 16);
    client.message(message, 20);
    client.drain(20);
    expect(tun.take().map(({ length }) => length)).toEqual([2_040]);
    message[2] = 0x7f;
    client.message(message, 20);
    expect(drops.get('tunnel-packet-too-big')).toBe(1);
  });

  test('from an address that is not leased do not leave', () => {
    sendUp(packet('192.168.42.2', '198.51.100.80'), 10);
    expect(session.take()).toEqual([]);
    expect(drops.get('tunnel-source-not-leased')).toBe(1);
  });

  test('that are no IPv4 do not leave', () => {
    sendUp(new Uint8Array(60).fill(0x60), 10);
    expect(session.take()).toEqual([]);
    expect(drops.get('ip-version')).toBe(1);
  });

  test('to somebody else, with unknown flags, broken or too big do not come in', () => {
    client.message(packetMessage(packet('198.51.100.80', '192.168.42.2')), 10);
    const flagged = packetMessage(down);
    flagged[1] = 8;
    client.message(flagged, 10);
    client.message(packetMessage(down).subarray(0, 50), 10);
    client.message(packetMessage(packet('198.51.100.80', '10.64.0.2', { length: 1_301 })), 10);
    client.drain(10);
    expect(tun.take()).toEqual([]);
    expect(drops.toJSON()).toEqual({
      'ip-length': 1,
      'tunnel-destination-not-leased': 1,
      'tunnel-packet-header': 1,
      'tunnel-packet-too-big': 1,
    });
  });

  test('longer than the lease allows are answered with the size that fits, if they must not be cut', () => {
    sendUp(packet('10.64.0.2', '198.51.100.80', { length: 1_301, dontFragment: true }), 10);
    const [error] = tun.take();
    expect([...error.subarray(20, 22)]).toEqual([3, 4]);
    expect(error[26] * 256 + error[27]).toBe(1_300);
    sendUp(packet('10.64.0.2', '198.51.100.80', { length: 1_301 }), 10);
    expect(tun.take()).toEqual([]);
    expect(drops.get('tunnel-packet-too-big')).toBe(2);
  });

  test('that the session has no room for are counted, not as sent', () => {
    session.hasRoom = false;
    sendUp(up, 10);
    expect(drops.get('tunnel-session-full')).toBe(1);
    expect(client.status(10).packetsUp).toBe(0);
  });
});

describe('a laptop hears at once', () => {
  test('that there is no network, from the dummy address, before any gateway is known', () => {
    const lost = packet('192.168.42.2', '198.51.100.80');
    sendUp(lost, 0);
    const [error] = tun.take();
    expect([...error.subarray(20, 22)]).toEqual([3, 0]);
    expect(sourceOf(error, 0)).toBe(ipv4('192.0.0.8'));
    expect(destinationOf(error, 0)).toBe(ipv4('192.168.42.2'));
  });

  test('that there is no network, from the gateway that it knows, after the session went', () => {
    connect();
    client.sessionClosed(session, 10);
    sendUp(up, 20);
    const [error] = tun.take();
    expect([...error.subarray(20, 22)]).toEqual([3, 0]);
    expect(sourceOf(error, 0)).toBe(ipv4('10.64.0.1'));
  });

  test('that the host is unreachable once nothing came back for 2 s, and no sooner', () => {
    connect();
    sendUp(up, 100);
    sendUp(up, 2_100);
    expect(tun.take()).toEqual([]);
    session.take();
    sendUp(up, 2_101);
    expect(icmpError()).toEqual([3, 1]);
    expect(session.take()).toEqual([]);
    client.message(ECHO_REPLY, 2_200);
    sendUp(up, 2_201);
    expect(session.take()).toEqual([packetMessage(up)]);
  });

  test('but not more often than the limit', () => {
    for (let i = 0; i < ICMP_BURST + 5; i++) sendUp(up, 0);
    expect(tun.take()).toHaveLength(ICMP_BURST);
    expect(drops.get('tunnel-icmp-rate')).toBe(5);
    sendUp(up, 1_000);
    expect(tun.take()).toHaveLength(1);
  });
});

describe('connected', () => {
  test('means that bytes came back within 5 s, of whatever kind', () => {
    client.sessionOpened(session, 0);
    expect(client.status(10)).toMatchObject({ connected: false, heardMsAgo: undefined });
    client.message(writeLease(LEASE), 20);
    expect(client.status(5_020)).toMatchObject({ connected: true, heardMsAgo: 5_000 });
    expect(client.status(5_021).connected).toBe(false);
    client.message(packetMessage(down), 6_000);
    expect(client.status(6_000).connected).toBe(true);
    client.sessionClosed(session, 6_001);
    expect(client.status(6_001).connected).toBe(false);
  });

  test('are silent behind the gateway when nothing answers but the gateway itself', () => {
    connect();
    for (const host of ['198.51.100.80', '198.51.100.81', '198.51.100.82']) sendUp(packet('10.64.0.2', host), 1_000);
    client.message(ECHO_REPLY, 3_000);
    client.message(packetMessage(packet('10.64.0.1', '10.64.0.2')), 3_000);
    expect(client.status(6_000)).toMatchObject({ heardMsAgo: 3_000, silentMs: 5_000 });
    client.message(packetMessage(down), 6_000);
    expect(client.status(9_000).silentMs).toBe(0);
  });

  test('is asked for with an echo 1.5 s after the last bytes, and again until something comes', () => {
    connect();
    run(1_499);
    expect(session.take()).toEqual([]);
    run(2_500);
    expect(session.takeKinds()).toEqual([TUNNEL_KIND.echo, TUNNEL_KIND.echo, TUNNEL_KIND.echo]);
    client.message(ECHO_REPLY, 2_550);
    run(4_049);
    expect(session.take()).toEqual([]);
  });

  test('is asked for 500 ms after something was sent that nothing answered', () => {
    connect();
    sendUp(up, 100);
    session.take();
    run(599);
    expect(session.take()).toEqual([]);
    run(600);
    expect(session.takeKinds()).toEqual([TUNNEL_KIND.echo]);
  });
});

test('an echo of the other side is answered', () => {
  connect();
  client.message(writeEcho(Uint8Array.of(5, 6)), 10);
  expect(session.take()).toEqual([Uint8Array.of(TUNNEL_KIND.echoReply, 5, 6)]);
});

test('the end of a session that was replaced already changes nothing', () => {
  connect();
  const next = new MemorySession(1);
  client.sessionOpened(next, 10);
  client.sessionClosed(session, 20);
  expect(client.status(20).state).toBe('leased');
});

test('a message without a session is dropped', () => {
  client.message(packetMessage(down), 0);
  expect(drops.get('tunnel-no-session')).toBe(1);
});

describe('the lane', () => {
  test('of a packet is what the classifier says, the same for the whole flow', () => {
    connect();
    sendUp(packet('10.64.0.2', '198.51.100.80', { trafficClass: 46 * 4 }), 10);
    expect(session.lane?.trafficClass).toBe(REAL_TIME);
    for (let i = 0; i < 4; i++) sendUp(packet('10.64.0.2', '198.51.100.80', { length: 1_300 }), 20);
    const bulk = session.lane;
    expect(bulk?.trafficClass).toBe(BULK);
    sendUp(packet('10.64.0.2', '198.51.100.80', { length: 1_200 }), 21);
    expect(session.lane).toEqual(bulk);
  });

  test('is what a rule of the user says, whatever the packet is, and the gateway hears of it', () => {
    client = createClient({ hasPolicy: true });
    connect();
    const lanes = [TREATMENT.lowLatency, TREATMENT.highThroughput, TREATMENT.redundant].map((treatment) => {
      // Sparse at first, dense at last.
      sendUp(packet('10.64.0.2', '198.51.100.80', { length: 1_300, trafficClass: policyCodePoint(treatment) * 4 }), 10);
      const [message] = session.take();
      expect(treatmentOf(message)).toBe(treatment);
      expect(dscpOf(message, packetStart(message)!)).toBe(0);
      return [session.lane?.trafficClass, session.lane?.twice];
    });
    expect(lanes).toEqual([
      [REAL_TIME, false],
      [BULK, false],
      [REAL_TIME, true],
    ]);
  });

  test('is not for the laptop to choose where there are no rules', () => {
    connect();
    const mark = policyCodePoint(TREATMENT.redundant) * 4;
    for (let i = 0; i < 4; i++) {
      sendUp(packet('10.64.0.2', '198.51.100.80', { length: 1_300, trafficClass: mark }), 10);
    }
    expect(session.take().map((message) => [treatmentOf(message), message[3]])).toEqual(
      Array.from({ length: 4 }, () => [TREATMENT.own, mark]),
    );
    expect(session.lane).toMatchObject({ trafficClass: BULK, twice: false });
  });

  test('is left to the session for our own requests', () => {
    connect();
    run(1_500);
    expect(session.takeKinds()).toEqual([TUNNEL_KIND.echo]);
    expect(session.lane).toBeUndefined();
  });
});
