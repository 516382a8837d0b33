import { beforeEach, describe, expect, test } from 'vitest';
import { Drops } from '../../../src/base/drops.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { BULK, REAL_TIME } from '../../../src/base/traffic-class.ts';
import { formatIpv4 } from '../../../src/control/ip-text.ts';
import { ICMP_BURST } from '../../../src/tunnel/tuning.ts';
import { TunnelGateway, type TunnelGatewayOptions } from '../../../src/tunnel/tunnel-gateway.ts';
import { sourceOf } from '../../../src/wire/ip.ts';
import {
  LEASE_REFUSAL,
  readLease,
  readLeaseRefused,
  TREATMENT,
  TUNNEL_KIND,
  writeEcho,
  writeLeaseRequest,
} from '../../../src/wire/tunnel-message.ts';
import { batchOf, ipv4, MemorySession, MemoryTun, packet, packetMessage, prefix } from './packets.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const WALL_START_MS = 1_700_000_000_000;
const WEB = '198.51.100.80';

let drops: Drops;
let tun: MemoryTun;
let saved: string[][];
/** Wall clock and monotonic clock run together in these tests. */
let clock: number;
let gateway: TunnelGateway;

function createGateway(options: Partial<TunnelGatewayOptions> = {}, lines: string[] = []): TunnelGateway {
  return new TunnelGateway({
    pool: prefix('10.64.0.0/16'),
    resolver: ipv4('192.0.2.53'),
    mtuBytes: 1_400,
    ownNetworks: [prefix('203.0.113.0/24')],
    allow: [],
    tun,
    drops,
    random: new SeededRandom(1, 'flows'),
    store: { load: () => lines, save: (all) => saved.push(all) },
    wallMs: () => WALL_START_MS + clock,
    ...options,
  });
}

beforeEach(() => {
  drops = new Drops();
  tun = new MemoryTun();
  saved = [];
  clock = 0;
  gateway = createGateway();
  gateway.start(0);
});

/** Opens a session and takes a lease; gives both. */
function join(name: number, wanted = 0): { session: MemorySession; address: string } {
  const session = new MemorySession(name);
  gateway.clientOpened(session, clock);
  gateway.clientMessage(session, writeLeaseRequest(wanted), clock);
  const lease = readLease(session.take()[0]);
  if (lease === undefined) throw new Error('no lease');
  return { session, address: formatIpv4(lease.address) };
}

function sendUp(session: MemorySession, bytes: Uint8Array): void {
  gateway.clientMessage(session, packetMessage(bytes), clock);
  gateway.drain(clock);
}

function sendDown(bytes: Uint8Array): void {
  gateway.packets(batchOf(bytes), clock);
  gateway.drain(clock);
}

/** Runs the timers of a span of time. */
function run(until: number): void {
  for (let at = gateway.nextWakeAt(); at <= until; at = gateway.nextWakeAt()) {
    clock = at;
    gateway.wake(at);
  }
  clock = until;
}

describe('a lease', () => {
  test('says all that a client has to know', () => {
    const session = new MemorySession(1);
    gateway.clientOpened(session, 0);
    gateway.clientMessage(session, writeLeaseRequest(ipv4('10.64.9.9')), 0);
    expect(readLease(session.take()[0])).toEqual({
      address: ipv4('10.64.9.9'),
      prefixLength: 16,
      gateway: ipv4('10.64.0.1'),
      resolver: ipv4('192.0.2.53'),
      mtuBytes: 1_400,
      seconds: 3_600,
    });
  });

  test('is kept for a client that comes again, and works before it asks', () => {
    const { session, address } = join(1);
    gateway.clientClosed(session, 10);
    const again = new MemorySession(1);
    gateway.clientOpened(again, 20);
    sendUp(again, packet(address, WEB));
    expect(tun.take()).toHaveLength(1);
  });

  test('is saved within a second and at the stop, and works after a restart with no word from the client', () => {
    const { address } = join(1);
    run(1_000);
    expect(saved).toHaveLength(1);
    gateway.stop(1_001);
    expect(saved).toHaveLength(2);

    gateway = createGateway({}, saved[1]);
    gateway.start(2_000);
    const session = new MemorySession(1);
    gateway.clientOpened(session, 2_000);
    sendDown(packet(WEB, address));
    expect(session.take()).toEqual([packetMessage(packet(WEB, address))]);
  });

  test('is found again in a packet by a gateway that lost its file', () => {
    const session = new MemorySession(1);
    gateway.clientOpened(session, 0);
    const bytes = packet('10.64.77.7', WEB);
    sendUp(session, bytes);
    expect(tun.take()).toEqual([bytes]);
    expect(readLease(session.take()[0])?.address).toBe(ipv4('10.64.77.7'));
  });

  test('that a packet claims from somebody else is not given: the client hears of another', () => {
    const { address } = join(1);
    const session = new MemorySession(2);
    gateway.clientOpened(session, 0);
    sendUp(session, packet(address, WEB));
    expect(tun.take()).toEqual([]);
    expect(readLease(session.take()[0])?.address).not.toBe(ipv4(address));
    expect(drops.get('tunnel-source-not-leased')).toBe(1);
  });

  test('ends an hour after its last renewal', () => {
    const { session, address } = join(1);
    run(HOUR_MS / 2);
    gateway.clientMessage(session, writeLeaseRequest(0), clock);
    run(1.5 * HOUR_MS - 1);
    expect(gateway.status().leases).toBe(1);
    run(1.5 * HOUR_MS + MINUTE_MS);
    expect(gateway.status()).toMatchObject({ leases: 0, clients: [{ address: undefined }] });
    sendDown(packet(WEB, address));
    expect(drops.get('tunnel-address-not-leased')).toBe(1);
  });

  test('of the same client in a new session moves there', () => {
    const { session, address } = join(1);
    const { session: next } = join(1);
    sendDown(packet(WEB, address));
    expect(session.take()).toEqual([]);
    expect(next.take()).toHaveLength(1);
    gateway.clientClosed(session, 0);
    sendDown(packet(WEB, address));
    expect(next.take()).toHaveLength(1);
  });

  test('is refused when the pool is full, and given when a lease ended', () => {
    gateway = createGateway({ pool: prefix('10.64.0.0/30') });
    gateway.start(0);
    join(1);
    const session = new MemorySession(2);
    gateway.clientOpened(session, 0);
    gateway.clientMessage(session, writeLeaseRequest(0), 0);
    expect(readLeaseRefused(session.take()[0])).toBe(LEASE_REFUSAL.poolFull);
    expect(drops.get('tunnel-pool-full')).toBe(1);
    clock = HOUR_MS;
    gateway.clientMessage(session, writeLeaseRequest(0), clock);
    expect(readLease(session.take()[0])?.address).toBe(ipv4('10.64.0.2'));
    // Who had it before is out of its place, though no sweep has run yet.
    sendDown(packet(WEB, '10.64.0.2'));
    expect(session.take()).toHaveLength(1);
  });

  test('file with lines that nobody can use does not keep a gateway from starting', () => {
    gateway = createGateway({}, ['nonsense', '']);
    gateway.start(0);
    expect(drops.get('tunnel-lease-line')).toBe(2);
  });
});

describe('packets', () => {
  test('go both ways unchanged, and each client is counted by itself', () => {
    const one = join(1);
    const two = join(2);
    const up = packet(one.address, WEB);
    sendUp(one.session, up);
    sendDown(packet(WEB, two.address, { length: 70 }));
    expect(tun.take()).toEqual([up]);
    expect(two.session.take()).toEqual([packetMessage(packet(WEB, two.address, { length: 70 }))]);
    expect(gateway.status().clients).toMatchObject([
      { address: one.address, packetsUp: 1, bytesUp: 100, packetsDown: 0, bytesDown: 0, refused: 0 },
      { address: two.address, packetsUp: 0, bytesUp: 0, packetsDown: 1, bytesDown: 70, refused: 0 },
    ]);
  });

  test('with the source of another client or of nobody do not pass', () => {
    const { session } = join(1);
    const { address } = join(2);
    for (const source of [address, '198.51.100.1']) sendUp(session, packet(source, WEB));
    expect(tun.take()).toEqual([]);
    expect(session.take()).toEqual([]);
    expect(drops.get('tunnel-source-not-leased')).toBe(2);
  });

  test('to a refused destination are answered at once, counted, and not too often', () => {
    const { session, address } = join(1);
    for (let i = 0; i < ICMP_BURST + 3; i++) sendUp(session, packet(address, '203.0.113.9'));
    expect(tun.take()).toEqual([]);
    const errors = session.take();
    expect(errors).toHaveLength(ICMP_BURST);
    expect([...errors[0].subarray(22, 24)]).toEqual([3, 13]);
    expect(sourceOf(errors[0], 2)).toBe(ipv4('10.64.0.1'));
    expect(gateway.status().clients[0].refused).toBe(ICMP_BURST + 3);
    expect(drops.get('tunnel-destination-refused')).toBe(ICMP_BURST + 3);
    expect(drops.get('tunnel-icmp-rate')).toBe(3);
  });

  test('to another client do not pass', () => {
    const { session, address } = join(1);
    const other = join(2);
    sendUp(session, packet(address, other.address));
    expect(tun.take()).toEqual([]);
    expect(other.session.take()).toEqual([]);
  });

  test('that are too big are answered with the size that fits, on both sides', () => {
    const { session, address } = join(1);
    sendUp(session, packet(address, WEB, { length: 1_401, dontFragment: true }));
    const [upError] = session.take();
    expect([...upError.subarray(22, 24), upError[28] * 256 + upError[29]]).toEqual([3, 4, 1_400]);
    sendDown(packet(WEB, address, { length: 1_401, dontFragment: true }));
    const [downError] = tun.take();
    expect([...downError.subarray(20, 22), downError[26] * 256 + downError[27]]).toEqual([3, 4, 1_400]);
    expect(drops.get('tunnel-packet-too-big')).toBe(2);
  });

  test('to an address that nobody has are answered with host unreachable', () => {
    sendDown(packet(WEB, '10.64.5.5'));
    expect([...tun.take()[0].subarray(20, 22)]).toEqual([3, 1]);
  });

  test('beyond the rate limit are dropped, in each direction by itself', () => {
    gateway = createGateway({ limits: { clientBytesPerSecond: 100_000 } });
    gateway.start(0);
    const { session, address } = join(1);
    for (let i = 0; i < 100; i++) sendUp(session, packet(address, WEB, { length: 1_000 }));
    // 65,536 bytes at once.
    expect(tun.take()).toHaveLength(65);
    expect(drops.get('tunnel-rate-limited')).toBe(35);
    sendDown(packet(WEB, address));
    expect(session.take()).toHaveLength(1);
    clock = 100;
    for (let i = 0; i < 100; i++) sendUp(session, packet(address, WEB, { length: 1_000 }));
    expect(tun.take()).toHaveLength(10);
  });

  test('that a session has no room for are counted as dropped', () => {
    const { session, address } = join(1);
    session.hasRoom = false;
    sendDown(packet(WEB, address));
    expect(drops.get('tunnel-session-full')).toBe(1);
    expect(gateway.status().clients[0].packetsDown).toBe(0);
  });
});

describe('clients', () => {
  test('beyond the limit are not taken', () => {
    gateway = createGateway({ limits: { maxClients: 2 } });
    gateway.start(0);
    const sessions = [1, 2, 3].map((name) => new MemorySession(name));
    expect(sessions.map((session) => gateway.clientOpened(session, 0))).toEqual([true, true, false]);
    expect(drops.get('tunnel-clients-full')).toBe(1);
    gateway.clientClosed(sessions[0], 1);
    expect(gateway.clientOpened(sessions[2], 2)).toBe(true);
  });

  test('that went get nothing more', () => {
    const { session, address } = join(1);
    gateway.clientClosed(session, 0);
    sendUp(session, packet(address, WEB));
    sendDown(packet(WEB, address));
    expect(session.take()).toEqual([]);
    expect(drops.get('tunnel-no-session')).toBe(1);
    expect(gateway.status().clients).toEqual([]);
  });

  test('get their echoes back, and silence for what nobody understands', () => {
    const session = new MemorySession(1);
    gateway.clientOpened(session, 0);
    gateway.clientMessage(session, writeEcho(Uint8Array.of(1, 2, 3)), 0);
    expect(session.take()).toEqual([Uint8Array.of(TUNNEL_KIND.echoReply, 1, 2, 3)]);
    for (const bytes of [[], [0x55], [TUNNEL_KIND.lease, 1], [TUNNEL_KIND.leaseRequest, 1], [TUNNEL_KIND.packet]]) {
      gateway.clientMessage(session, Uint8Array.from(bytes), 0);
    }
    expect(session.take()).toEqual([]);
    expect(drops.toJSON()).toEqual({
      'tunnel-lease-malformed': 1,
      'tunnel-message-unknown': 3,
      'tunnel-packet-header': 1,
    });
  });
});

describe('the lane of a packet to a client', () => {
  test('is what the classifier says', () => {
    const { session, address } = join(1);
    sendDown(packet(WEB, address, { trafficClass: 46 * 4 }));
    expect(session.lane?.trafficClass).toBe(REAL_TIME);
    for (let i = 0; i < 4; i++) sendDown(packet(WEB, address, { length: 1_300 }));
    expect(session.lane?.trafficClass).toBe(BULK);
  });

  test("is what the client's packet asked for the answers to it, and nobody else's", () => {
    const { session, address } = join(1);
    const ask = packet(address, WEB, { sourcePort: 50_000, port: 80 });
    const answer = packet(WEB, address, { sourcePort: 80, port: 50_000, length: 1_300 });
    for (let i = 0; i < 4; i++) sendDown(answer);
    expect(session.lane).toMatchObject({ trafficClass: BULK, twice: false });
    gateway.clientMessage(session, packetMessage(ask, TREATMENT.redundant), clock);
    sendDown(answer);
    expect(session.lane).toMatchObject({ trafficClass: REAL_TIME, twice: true });
    for (let i = 0; i < 4; i++) sendDown(packet(WEB, address, { sourcePort: 80, port: 50_001, length: 1_300 }));
    expect(session.lane).toMatchObject({ trafficClass: BULK, twice: false });
    clock += MINUTE_MS + 1;
    for (let i = 0; i < 4; i++) sendDown(answer);
    expect(session.lane).toMatchObject({ trafficClass: BULK, twice: false });
  });

  test('is that of ICMP for an error', () => {
    const { session, address } = join(1);
    sendUp(session, packet(address, '10.0.0.1'));
    expect(session.takeKinds()).toEqual([TUNNEL_KIND.packet]);
    expect(session.lane?.trafficClass).toBe(REAL_TIME);
  });

  test('is Bulk where the operator lets nothing go first', () => {
    gateway = createGateway({ realTime: { dscp: false, icmp: false, dns: false, sparse: false } });
    gateway.start(0);
    const { session, address } = join(1);
    sendDown(packet(WEB, address, { trafficClass: 46 * 4 }));
    expect(session.lane?.trafficClass).toBe(BULK);
  });
});
