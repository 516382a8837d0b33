/**
 * The daemon's configuration: TOML text in, a `Config` or the list of everything that is wrong with it out
 * (docs/config.md). Pure: reading the file, and what needs cryptography or the system, is the daemon's.
 */
import * as v from 'valibot';
import type { DeliveryMs } from '../base/traffic-class.ts';
import { findContradictions } from './config-checks.ts';
import type { ConfigDraft } from './config-draft.ts';
import { type ConfigProblem, findSchemaProblems, type ProblemMaker, problemMaker } from './config-problems.ts';
import {
  type Acceptance,
  ConfigFile,
  type Direction,
  KEY_CHARACTERS,
  type PolicyProtocol,
  type PolicyUse,
  type RadioMode,
  type RealTimeRule,
  type Redundancy,
} from './config-schema.ts';
import { parseDelivery } from './delivery-text.ts';
import { type Endpoint, type Ipv4Prefix, parseEndpoint, parseIpv4Place, parseIpv4Prefix } from './ip-text.ts';
import { type PortRange, parsePorts } from './port-text.ts';
import { parseBitRate, parseBytes, parseShare } from './quantity-text.ts';
import { readToml } from './toml-source.ts';

export interface PeerConfig {
  /** Lower-case hex of the peer's node key. */
  readonly key: string;
  readonly endpoint: Endpoint | undefined;
  /** Other addresses of it. */
  readonly alsoAt: readonly Endpoint[];
  /** Where it takes TCP streams. */
  readonly tcp: Endpoint | undefined;
  readonly deliveryMs: DeliveryMs;
  readonly direction: Direction;
}

/** What the traffic of others may take of a link: a share of its measured rate, or a rate. */
export type TransitCap = { readonly share: number } | { readonly bytesPerMs: number };

export interface WifiConfig {
  /** Two capitals of ISO 3166-1. */
  readonly country: string;
  /** Undefined: all. */
  readonly radios: readonly string[] | undefined;
  readonly mode: RadioMode;
  /** Undefined: chosen. MHz. */
  readonly frequencyMhz: number | undefined;
}

/** An open network for anybody. */
export interface HotspotConfig {
  readonly ssid: string;
  /** This box's own address, with the prefix length of the network. */
  readonly address: Ipv4Prefix;
  /** For each client in each direction. */
  readonly rateBitsPerSecond: number;
}

export interface LanConfig {
  readonly interface: string;
  /** This box's own address, with the prefix length of the LAN. */
  readonly address: Ipv4Prefix;
  readonly dhcp: boolean;
}

/** A rule for packets of the LAN; a condition that is undefined is met by all. */
export interface PolicyRule {
  readonly use: PolicyUse;
  readonly to: readonly Ipv4Prefix[] | undefined;
  readonly from: readonly Ipv4Prefix[] | undefined;
  readonly protocol: PolicyProtocol | undefined;
  /** Destination ports, of TCP and UDP. */
  readonly ports: readonly PortRange[] | undefined;
  readonly dscp: readonly number[] | undefined;
  /** Address or lower-case key of the gateway, as `tunnel.gateway`; undefined unless `use` is "gateway". */
  readonly gateway: string | undefined;
  /** The interface that a direct rule's packets leave by; undefined in other rules, and the same in all of these. */
  readonly uplink: string | undefined;
}

export interface GatewayConfig {
  readonly pool: Ipv4Prefix;
  readonly uplink: string;
  /** IPv4 address of the resolver that clients are given. */
  readonly dns: string;
  /** Networks that clients may reach although the gateway itself is in them. */
  readonly allow: readonly Ipv4Prefix[];
  /** For each client and direction; undefined: no limit. */
  readonly rateLimitBitsPerSecond: number | undefined;
  /** What others are told; satoshi for a gigabyte, and the rate of the uplink, 0: nothing is told of it. */
  readonly advert: { readonly country: string | undefined; readonly price: number; readonly rateKbps: number };
  readonly interface: string;
}

export interface Config {
  readonly node: { readonly name: string; readonly keyFile: string; readonly stateDir: string };
  readonly listen: { readonly udp: readonly Endpoint[]; readonly tcp: readonly Endpoint[] };
  readonly buffers: { readonly memoryBytes: number };
  readonly peers: readonly PeerConfig[];
  readonly discovery: {
    /** Undefined: all but the LAN's. */
    readonly interfaces: readonly string[] | undefined;
    readonly accept: Acceptance;
  };
  /** Undefined: no radio is touched. */
  readonly wifi: WifiConfig | undefined;
  readonly hotspot: HotspotConfig | undefined;
  /** Undefined: this node has no LAN of its own. */
  readonly lan: LanConfig | undefined;
  readonly tunnel: {
    /** "none", "auto", or an address or lower-case key whose form is right; the checksum is not checked here. */
    readonly gateway: string;
    readonly routes: number;
    readonly mtuBytes: number;
    readonly interface: string;
    readonly deliveryMs: DeliveryMs;
    readonly redundancy: Redundancy;
    readonly sealsTwice: boolean;
  };
  /** What goes before Bulk. */
  readonly qos: { readonly realTime: Readonly<Record<RealTimeRule, boolean>> };
  /** The first rule that a packet meets decides. */
  readonly policy: readonly PolicyRule[];
  readonly transit: {
    readonly ownFirst: boolean;
    readonly cap: TransitCap | undefined;
    /** Satoshi for 10^9 bytes. */
    readonly price: number;
  };
  /** Undefined: not a gateway. */
  readonly gateway: GatewayConfig | undefined;
  readonly control: { readonly socket: string };
  /** Undefined: no offload device. Batches with fewer jobs stay in software; undefined: measured. */
  readonly offload: { readonly device: string; readonly leastBatch: number | undefined } | undefined;
}

export type ConfigResult =
  | { readonly config: Config; readonly problemAt: ProblemMaker; readonly problems?: never }
  | { readonly problems: readonly ConfigProblem[]; readonly config?: never; readonly problemAt?: never };

/** A configuration with the most peers is a fifth of this. */
export const MAX_CONFIG_CHARACTERS = 65_536;

export function parseConfig(text: string, file: string): ConfigResult {
  if (text.length > MAX_CONFIG_CHARACTERS) {
    const message = `is longer than ${MAX_CONFIG_CHARACTERS} characters`;
    return { problems: [{ file, line: 1, column: 1, key: '', message, remedy: 'Is this the right file?' }] };
  }
  const source = readToml(text);
  if (!('root' in source)) {
    const remedy = 'Tables look like [node], keys like name = "value", and texts stand in quotes';
    return { problems: [{ file, ...source.position, key: '', message: `is not TOML: ${source.message}`, remedy }] };
  }
  const problemAt = problemMaker(source, file);
  const parsed = v.safeParse(ConfigFile, source.root);
  const problems = [
    ...findSchemaProblems(source, parsed.issues ?? [], problemAt),
    ...findContradictions(parsed.output as ConfigDraft).map((found) =>
      problemAt(found.path, found.message, found.remedy),
    ),
  ];
  if (parsed.success && problems.length === 0) return { config: toConfig(parsed.output), problemAt };
  return { problems: problems.sort((a, b) => a.line - b.line || a.column - b.column) };
}

/** Texts that the schema has checked, as values. */
function toConfig(file: ConfigFile): Config {
  const { node, lan, tunnel, transit, gateway } = file;
  const isRealTime = (rule: RealTimeRule): boolean => file.qos.real_time.includes(rule);
  return {
    node: { name: node.name, keyFile: node.key_file ?? `${node.state_dir}/node.key`, stateDir: node.state_dir },
    listen: {
      udp: file.listen.udp.map((text) => parseEndpoint(text)!),
      tcp: file.listen.tcp.map((text) => parseEndpoint(text)!),
    },
    buffers: { memoryBytes: parseBytes(file.buffers.memory)! },
    peers: file.peer.map((peer) => ({
      key: peer.key.toLowerCase(),
      endpoint: peer.endpoint === undefined ? undefined : parseEndpoint(peer.endpoint)!,
      alsoAt: (peer.also_at ?? []).map((text) => parseEndpoint(text)!),
      tcp: peer.tcp === undefined ? undefined : parseEndpoint(peer.tcp)!,
      deliveryMs: parseDelivery(peer.delivery)!,
      direction: peer.direction as Direction,
    })),
    discovery: { interfaces: file.discovery.interfaces, accept: file.discovery.accept as Acceptance },
    wifi: file.wifi && {
      country: file.wifi.country,
      radios: file.wifi.radios,
      mode: file.wifi.mode as RadioMode,
      frequencyMhz: file.wifi.channel === undefined ? undefined : frequencyOf(file.wifi.channel),
    },
    hotspot: file.hotspot && {
      ssid: file.hotspot.ssid,
      address: parseIpv4Prefix(file.hotspot.address)!,
      rateBitsPerSecond: parseBitRate(file.hotspot.rate)!,
    },
    lan: lan && { interface: lan.interface, address: parseIpv4Prefix(lan.address)!, dhcp: lan.dhcp },
    tunnel: {
      gateway: toNodeName(tunnel.gateway),
      routes: tunnel.routes,
      mtuBytes: tunnel.mtu,
      interface: tunnel.interface,
      deliveryMs: parseDelivery(tunnel.delivery)!,
      redundancy: tunnel.redundancy as Redundancy,
      sealsTwice: tunnel.seal_twice,
    },
    qos: {
      realTime: {
        dscp: isRealTime('dscp'),
        icmp: isRealTime('icmp'),
        dns: isRealTime('dns'),
        sparse: isRealTime('sparse'),
      },
    },
    policy: file.policy.map((rule) => ({
      use: rule.use as PolicyUse,
      to: rule.to?.map((text) => parseIpv4Place(text)!),
      from: rule.from?.map((text) => parseIpv4Place(text)!),
      protocol: rule.protocol as PolicyProtocol | undefined,
      ports: rule.ports?.map((text) => parsePorts(text)!),
      dscp: rule.dscp,
      gateway: rule.gateway === undefined ? undefined : toNodeName(rule.gateway),
      uplink: rule.uplink,
    })),
    transit: {
      ownFirst: transit.own_first,
      cap: transit.cap === undefined ? undefined : toCap(transit.cap),
      price: transit.price,
    },
    gateway: gateway.enable
      ? {
          pool: parseIpv4Prefix(gateway.pool!)!,
          uplink: gateway.uplink!,
          dns: gateway.dns!,
          allow: gateway.allow.map((text) => parseIpv4Prefix(text)!),
          rateLimitBitsPerSecond: gateway.rate_limit === undefined ? undefined : gateway.rate_limit * 1e6,
          advert: {
            country: gateway.country,
            price: gateway.price,
            rateKbps: gateway.rate === undefined ? 0 : parseBitRate(gateway.rate)! / 1e3,
          },
          interface: gateway.interface,
        }
      : undefined,
    control: { socket: file.control.socket },
    offload: file.offload && { device: file.offload.device, leastBatch: file.offload.least_batch },
  };
}

/** Keys may be written in capitals; addresses tell them apart. */
function toNodeName(text: string): string {
  return text.length === KEY_CHARACTERS ? text.toLowerCase() : text;
}

/** Of a channel's middle, MHz (IEEE 802.11 section 15.4.4.3 and annex E). */
function frequencyOf(channel: number): number {
  if (channel === 14) return 2484;
  return channel < 14 ? 2407 + 5 * channel : 5000 + 5 * channel;
}

function toCap(text: string): TransitCap {
  const share = parseShare(text);
  // A rate is bits a second; what forwards counts bytes and milliseconds.
  return share === undefined ? { bytesPerMs: parseBitRate(text)! / 8_000 } : { share };
}
