/** What a node is made of: its ports to the world and what it was configured to do. */
import type { DatagramTransport, PacketBatch } from '../base/datagram.ts';
import type { Clock, Log, RandomSource } from '../base/env.ts';
import type { NodeKey, SecretKey, ServiceKey } from '../base/ids.ts';
import type { Cipher } from '../crypto/cipher.ts';
import type { Curve } from '../crypto/curve.ts';
import type { GatewayPolicy, LeaseStore } from '../tunnel/gateway.ts';
import type { Lease } from '../wire/tunnel-message.ts';

/** Where packets go: a TUN device. What it has no room for is lost and counted by the device. */
export interface PacketSink {
  write(batch: PacketBatch): void;
}

export interface PeerOptions {
  readonly key: NodeKey;
  /** ENDPOINT_BYTES; undefined: the peer calls us. */
  readonly endpoint: Uint8Array | undefined;
}

export interface TunnelOptions {
  /** Address hash (20 bytes) of the gateway's node; undefined: none for now. */
  readonly gateway: Uint8Array | undefined;
  /** Routes to keep at once, 1 to 8. */
  readonly routeCount: number;
  readonly mtuBytes: number;
  readonly device: PacketSink;
  /** The client secret kept for a gateway: the same one each time, so that the lease stays. */
  readonly clientSecret: (service: ServiceKey) => SecretKey;
  /** The gateway gave (or renewed) an address: the TUN and the resolver are to be set to it. */
  readonly leased: (lease: Lease) => void;
}

export interface GatewayOptions {
  readonly policy: GatewayPolicy;
  readonly leases: LeaseStore;
  readonly device: PacketSink;
}

export interface NodeOptions {
  readonly secret: SecretKey;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
  readonly curve: Curve;
  readonly cipher: Cipher;
  readonly transport: DatagramTransport;
  readonly peers: readonly PeerOptions[];
  readonly tunnel?: TunnelOptions;
  readonly gateway?: GatewayOptions;
}
