/**
 * The ways from the client to the server that are compared: no tunnel, ours, those that a person would install instead, and a loop in C
 * without a protocol (test/lab/superpacket). One runs at a time.
 */
import { SERVER_ADDRESS } from '../../lab/harness/chain.ts';
import type { LabProcess } from '../../lab/harness/lab-process.ts';
import { LoopWay, OpenvpnWay, TincWay, WireguardWay } from './program-ways.ts';
import { SkywireWay } from './skywire-way.ts';
import type { TunnelNetwork } from './tunnel-network.ts';
import type { Way } from './way.ts';
import { YggdrasilWay } from './yggdrasil-way.ts';

/** `yggdrasil-jumbo`: on LANs with packets as long as its device takes, which it carries whole. */
const CHAIN_WAYS = ['raw', 'skywire', 'wireguard-go', 'yggdrasil', 'yggdrasil-jumbo'] as const;
/** Over one cable only. `skywire-once`: with `tunnel.seal_twice = false`. */
const DIRECT_WAYS = ['skywire-once', 'tinc', 'openvpn', 'loop', 'loop-link'] as const;
export const WAYS = [...CHAIN_WAYS, ...DIRECT_WAYS] as const;
export type WayName = (typeof WAYS)[number];

const LAN_MTU_BYTES = 1_500;
const JUMBO_MTU_BYTES = 65_535;

/** What a person would install instead. No LAN has packets as long as yggdrasil-jumbo's. */
export const PEERS: readonly WayName[] = ['wireguard-go', 'yggdrasil', 'tinc', 'openvpn'];

/** `programArgs` go to our daemons. */
export function createWay(name: WayName, network: TunnelNetwork, programArgs: readonly string[]): Way {
  switch (name) {
    case 'raw':
      return new RawWay(network);
    case 'skywire':
      return new SkywireWay(network, programArgs, true);
    case 'skywire-once':
      return new SkywireWay(network, programArgs, false);
    case 'wireguard-go':
      return new WireguardWay(network);
    case 'yggdrasil':
      return new YggdrasilWay(network, LAN_MTU_BYTES);
    case 'yggdrasil-jumbo':
      return new YggdrasilWay(network, JUMBO_MTU_BYTES);
    case 'tinc':
      return new TincWay(network);
    case 'openvpn':
      return new OpenvpnWay(network);
    case 'loop':
      return new LoopWay(network, 'both');
    case 'loop-link':
      return new LoopWay(network, 'link');
  }
}

/** The kernel forwards. */
class RawWay implements Way {
  readonly server = SERVER_ADDRESS;
  private readonly network: TunnelNetwork;

  constructor(network: TunnelNetwork) {
    this.network = network;
  }

  async up(): Promise<readonly LabProcess[]> {
    this.network.routeThrough();
    return [];
  }

  async down(): Promise<void> {}
}
