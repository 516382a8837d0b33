/** What a node is made of: its ports to the world and what it was configured to do. */
import type { DatagramTransport } from '../base/datagram.ts';
import type { Clock, Log, RandomSource } from '../base/env.ts';
import type { NodeKey, SecretKey, ServiceKey } from '../base/ids.ts';
import type { DeliveryMs } from '../base/traffic-class.ts';
import type { Redundancy } from '../bundle/redundancy/duplicator.ts';
import type { Cipher } from '../crypto/cipher.ts';
import type { Curve } from '../crypto/curve.ts';
import type { SealingFactory } from '../crypto/sealed-transport.ts';
import type { Acceptance } from '../discovery/discovery.ts';
import type { BeaconPort, PeerStore, PlacePort } from '../discovery/ports.ts';
import type { LinkDirection } from '../link/one-way/direction.ts';
import type { TransitOptions } from '../route/transit/transit-options.ts';
import type { RealTimeRules } from '../tunnel/classifier.ts';
import type { TunPort } from '../tunnel/tun-writer.ts';
import type { Ipv4Prefix } from '../wire/ip.ts';
import type { PieceCopier } from '../wire/piece-copier.ts';
import type { Lease } from '../wire/tunnel-message.ts';
import type { GatewayServiceOptions } from './gateway-service.ts';

export interface PeerOptions {
  readonly key: NodeKey;
  /** ENDPOINT_BYTES; undefined: the peer calls us. */
  readonly endpoint: Uint8Array | undefined;
  /** Where it is tried in turn with the endpoint, likeliest first. */
  readonly fallbacks?: readonly Uint8Array[];
  /** `both` when missing: found out. */
  readonly direction?: LinkDirection;
  /** How long a lost piece is tried again on this link, at most; RELIABLE when missing. */
  readonly deliveryMs?: DeliveryMs;
}

/** Address hash (20 bytes) of a gateway's node; `auto`: the best in reach; undefined: none. */
export type WantedGateway = Uint8Array | 'auto' | undefined;

export interface TunnelOptions {
  readonly gateway: WantedGateway;
  /** Routes to keep at once, 1 to 8. */
  readonly routeCount: number;
  readonly mtuBytes: number;
  /** Of the Bulk routes to the gateway; RELIABLE when missing. */
  readonly deliveryMs?: DeliveryMs;
  /** Whether Real Time goes over two routes at once; `auto` when missing. */
  readonly redundancy?: Redundancy;
  /** Whether packets to a gateway that is this node's neighbour are sealed for it beside what the link seals; true when missing. */
  readonly sealsTwice?: boolean;
  /** Which packets go before the others; all rules when missing. */
  readonly realTime?: RealTimeRules;
  /** Whether the kernel marks packets as the user's rules say. */
  readonly hasPolicy?: boolean;
  readonly device: TunPort;
  /** Networks at this box that a lease must not lie in: the LAN. */
  readonly ownNetworks: readonly Ipv4Prefix[];
  /** The client secret kept for a gateway: the same one each time, so that the lease stays. */
  readonly clientSecret: (service: ServiceKey) => SecretKey;
  /** The gateway gave an address, or one that differs from the last: the TUN and the resolver are to be set to it. */
  readonly leased: (lease: Lease) => void;
}

export interface DiscoveryOptions {
  readonly accept: Acceptance;
  readonly beacons: BeaconPort;
  /** The socket of a family, as endpoints name it; undefined: there is none. */
  readonly socketOf: (family: 4 | 6) => number | undefined;
  /** Who is remembered over restarts; nobody when missing. */
  readonly memory?: { readonly store: PeerStore; readonly places: PlacePort } | undefined;
}

export type GatewayOptions = Omit<GatewayServiceOptions, 'drops' | 'random' | 'wallMs'>;

export interface NodeOptions {
  readonly secret: SecretKey;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
  readonly curve: Curve;
  readonly cipher: Cipher;
  /** In place of the one in TypeScript. */
  readonly pieces?: PieceCopier;
  /** In place of sealing and sending one after the other. */
  readonly sealing?: SealingFactory | undefined;
  readonly transport: DatagramTransport;
  readonly peers: readonly PeerOptions[];
  /** Memory for what is kept until the next hop has it, bytes; 64 MiB when missing. */
  readonly buffersBytes?: number;
  /** What others' traffic gets of the links; all alike when missing. */
  readonly transit?: TransitOptions;
  /** What this node says that it takes for it, satoshi for 10^9 bytes; 0 when missing. */
  readonly price?: number;
  readonly tunnel?: TunnelOptions;
  /** Tunnels beside it, each with a gateway and a device of its own, for packets that the user's rules send there. */
  readonly besides?: readonly TunnelOptions[];
  readonly gateway?: GatewayOptions;
  /** Without it the node has its configured peers and no others. */
  readonly discovery?: DiscoveryOptions;
}
