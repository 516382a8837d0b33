/** What a daemon in the middle of its work would answer: for tests of everything that asks one. */
import { Failure } from '../../../src/base/failure.ts';
import type { ControlHandlers, Result } from '../../../src/control/schema.ts';

export const MINER = 'AtWiDQWLjEB4adL9GF9MNg3sdM9LrNf6YC';
export const GATEWAY = 'QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS';
export const RELAY_A = 'puXMDoRWFXNWJxRugZgoPUmTGiWMKJe6f1';
export const RELAY_B = '2Ch7Eu4AP6LQNyoBkgYVmivm3mfeJZwyTpq';
export const KEY = `02${'ab'.repeat(32)}`;
export const SILENT_KEY = `03${'cd'.repeat(32)}`;

export const STATUS: Result<'status'> = {
  version: '0.1.0',
  protocol: 1,
  node: { name: 'attic', address: MINER, key: KEY },
  uptime_s: 11_533,
  listen: ['0.0.0.0:6969', '[::]:6969'],
  datapath: { name: 'native', cipher: 'openssl', curve: 'libsecp256k1', tun: 'native' },
  offload: null,
  tunnel: {
    state: 'connected',
    gateway: GATEWAY,
    leased_address: '10.64.0.2',
    routes_up: 2,
    routes_wanted: 2,
    last_bytes_ms_ago: 312,
    bytes_in: 1_234_567_890,
    bytes_out: 33_000,
    problem: null,
  },
  policy: { rules: 0, direct: [], gateways: [] },
  clearnet: { proofs: 0, known: 0 },
  wifi: null,
  lan: { interface: 'eth0', address: '192.168.42.1/24', dhcp: true },
  gateway: { enabled: false, service_key: null, clients: 0, pool_size: 0, pool_free: 0, bytes_in: 0, bytes_out: 0 },
  links: { up: 1, configured: 2 },
  routes: { origin: 2, destination: 0, relayed: 5 },
  memory_rss_bytes: 62_300_000,
  drops: { 'link-tag-wrong': 3, 'frame-unknown': 12 },
};

export const LINKS: Result<'links'> = {
  links: [
    {
      address: RELAY_A,
      key: KEY,
      state: 'up',
      endpoint: '192.0.2.7:6969',
      medium: 'unknown',
      direction: 'both',
      detour: false,
      delivery: '150ms',
      rtt_ms: 12.34,
      least_rtt_ms: 11.5,
      queue_ms: 0.84,
      loss: 0.042,
      sent_bits_per_s: 9_420_000,
      delivered_bits_per_s: 9_020_000,
      in_flight_bytes: 14_000,
      window_bytes: 21_000,
      retransmitted: 1_204,
      ack_datagrams: 88,
      epoch: 40,
      rekeys: 40,
      path_mtu_bytes: 1472,
      datagrams_in: 900_000,
      datagrams_out: 30_000,
      bytes_in: 1_200_000_000,
      bytes_out: 33_000,
      last_heard_ms_ago: 12,
    },
    {
      address: RELAY_B,
      key: SILENT_KEY,
      state: 'down',
      endpoint: null,
      medium: 'unknown',
      direction: 'receive-only',
      detour: true,
      delivery: 'reliable',
      rtt_ms: null,
      least_rtt_ms: null,
      queue_ms: null,
      loss: null,
      sent_bits_per_s: 0,
      delivered_bits_per_s: 0,
      in_flight_bytes: 0,
      window_bytes: 0,
      retransmitted: 0,
      ack_datagrams: 0,
      epoch: 0,
      rekeys: 0,
      path_mtu_bytes: 1200,
      datagrams_in: 0,
      datagrams_out: 7,
      bytes_in: 0,
      bytes_out: 658,
      last_heard_ms_ago: null,
    },
  ],
};

export const PEERS: Result<'peers'> = { peers: LINKS.links };

const FULL = { window_bytes: 180_000, in_flight_bytes: 95_000, bytes_in: 600_000_000, bytes_out: 16_000 };
const PATH_A = [RELAY_A, GATEWAY];
const PATH_B = [RELAY_B, MINER, GATEWAY];

export const ROUTES: Result<'routes'> = {
  session: {
    gateway: GATEWAY,
    sent_twice: 640,
    order: { waiting: 12, waited: 52_310, late: 3, lost: 1, duplicates: 7 },
    routes: [
      {
        index: 0,
        path: PATH_A,
        class: 'bulk',
        state: 'up',
        parked: null,
        seal: 'end-to-end',
        rtt_ms: 24.6,
        ...FULL,
        lost: 1_234,
        resent: 1_234,
      },
      {
        index: 1,
        path: PATH_A,
        class: 'real-time',
        state: 'up',
        parked: null,
        seal: 'end-to-end',
        rtt_ms: 21.2,
        ...FULL,
        lost: 4,
        resent: 0,
      },
      {
        index: 6,
        path: PATH_B,
        class: 'bulk',
        state: 'stalled',
        parked: null,
        seal: 'end-to-end',
        rtt_ms: null,
        ...FULL,
        lost: 0,
        resent: 0,
      },
      {
        index: 8,
        path: PATH_B,
        class: 'bulk',
        state: 'up',
        parked: 'harm',
        seal: 'end-to-end',
        rtt_ms: 21.2,
        ...FULL,
        lost: 0,
        resent: 0,
      },
    ],
  },
  relayed: 5,
  buffers: { used_bytes: 1_200_000, promised_bytes: 12_300_000, limit_bytes: 64_000_000 },
  hops: [
    {
      role: 'relay',
      class: 'bulk',
      delivery: 'reliable',
      from: RELAY_B,
      to: RELAY_A,
      buffered_bytes: 120_000,
      bound_bytes: 128_000,
      room_bytes: 0,
      rate_bits_per_s: 4_710_000,
      retransmitted: 120_400,
      given_up: 17,
      bytes: 600_000_000,
    },
    {
      role: 'origin',
      class: 'real-time',
      delivery: '150ms',
      from: null,
      to: RELAY_A,
      buffered_bytes: 0,
      bound_bytes: 65_536,
      room_bytes: null,
      rate_bits_per_s: 160_000,
      retransmitted: 3,
      given_up: 0,
      bytes: 20_000,
    },
  ],
};

export const DELIVERY: Result<'delivery'> = {
  tunnel: 'reliable',
  peers: [
    { address: RELAY_A, key: KEY, delivery: '150ms' },
    { address: RELAY_B, key: SILENT_KEY, delivery: 'reliable' },
  ],
};

/** @param onCall sees each method as it is asked */
export function sampleHandlers(onCall: (method: string) => void = () => {}): ControlHandlers {
  let selected = GATEWAY;
  const gateway = (): Result<'gateway'> => ({
    selected,
    auto: false,
    state: selected === 'none' ? 'off' : 'connected',
    known: [
      {
        ...{ address: GATEWAY, key: KEY, service_key: SILENT_KEY, selected: selected === GATEWAY },
        ...{ rtt_ms: 12.5, hops: 2, rate_bits_per_s: 48_000_000 },
        ...{ country: 'DE', price: 0, uplink_bits_per_s: 100_000_000, load: 0.3 },
      },
      {
        ...{ address: RELAY_B, key: SILENT_KEY, service_key: KEY, selected: false },
        ...{ rtt_ms: 80, hops: 3, rate_bits_per_s: null },
        ...{ country: null, price: 120, uplink_bits_per_s: null, load: 0 },
      },
    ],
  });
  return {
    status: () => {
      onCall('status');
      return STATUS;
    },
    links: () => LINKS,
    peers: () => PEERS,
    routes: () => ROUTES,
    gateway,
    'gateway.use': (params) => {
      if (params.gateway === RELAY_A) {
        throw new Failure('gateway-unreachable', `${RELAY_A} is no gateway`, 'See `skywire gateway`');
      }
      selected = params.gateway;
      return gateway();
    },
    delivery: () => DELIVERY,
    'delivery.use': ({ peer, tunnel, delivery }) => ({
      tunnel: tunnel ? delivery : DELIVERY.tunnel,
      peers: DELIVERY.peers.map((row) => (row.address === peer ? { ...row, delivery } : row)),
    }),
    ping: (params) => ({
      key: params.key,
      address: GATEWAY,
      rtts_ms: Array.from({ length: params.count }, (_, index) =>
        params.key === SILENT_KEY || index === 1 ? null : 20 + index * 1.5,
      ),
    }),
    version: () => ({ version: '0.1.0', protocol: 1, control: 1, runtime: 'node 24.21.0' }),
  };
}
