/**
 * The segments of this machine: interfaces that carry Ethernet frames (cables, Wifi, bridges) and have an address. Looked at once a
 * second through getifaddrs, which names only those that are up and have a carrier: so a pulled cable, a new interface and a renamed one are all
 * the same, a list that differs. `stop` ends it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { assert } from '../base/assert.ts';
import { parseIpv4Prefix } from '../control/ip-text.ts';
import type { Segment } from '../discovery/segment.ts';
import type { Ipv4Prefix } from '../wire/ip.ts';
import type { LocalAddress } from './datapath.ts';

const LOOK_EVERY_MS = 1_000;
/** What has no Ethernet address, like a TUN device, is no segment. */
const NO_MAC = '00:00:00:00:00:00';
const LINK_LOCAL = /^fe[89ab]/i;

/** A segment with the sockets of the links that reach it, as endpoints name them: by index. */
export interface LocalSegment extends Segment {
  readonly ipv6: (NonNullable<Segment['ipv6']> & { readonly socket: number }) | undefined;
  readonly ipv4: (NonNullable<Segment['ipv4']> & { readonly socket: number }) | undefined;
}

export interface SegmentWatchOptions {
  /** Names of interfaces; undefined: all but `except`. */
  readonly interfaces: readonly string[] | undefined;
  readonly except: readonly string[];
  /** The sockets of the links. */
  readonly local: readonly LocalAddress[];
  readonly changed: (segments: readonly LocalSegment[]) => void;
}

export class SegmentWatch {
  private readonly options: SegmentWatchOptions;
  private timer: NodeJS.Timeout | undefined;
  private last = '';

  constructor(options: SegmentWatchOptions) {
    this.options = options;
  }

  start(): void {
    this.look();
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const segments = readSegments(this.options);
    const text = JSON.stringify(segments);
    if (text === this.last) return;
    this.last = text;
    this.options.changed(segments);
  }
}

/** The segments as they are now, by interface number. */
export function readSegments(options: Omit<SegmentWatchOptions, 'changed'>): LocalSegment[] {
  const segments: LocalSegment[] = [];
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (addresses === undefined || !isWanted(name, options)) continue;
    const segment = segmentOf(name, addresses, options.local);
    if (segment !== undefined) segments.push(segment);
  }
  return segments.sort((a, b) => a.id - b.id);
}

function isWanted(name: string, { interfaces, except }: Pick<SegmentWatchOptions, 'interfaces' | 'except'>): boolean {
  return interfaces === undefined ? !except.includes(name) : interfaces.includes(name);
}

function segmentOf(
  name: string,
  addresses: readonly NetworkInterfaceInfo[],
  local: readonly LocalAddress[],
): LocalSegment | undefined {
  if (addresses.some(({ internal, mac }) => internal || mac === NO_MAC)) return undefined;
  const id = interfaceNumber(name);
  if (id === undefined) return undefined;
  const isLinkLocal = addresses.some(({ family, address }) => family === 'IPv6' && LINK_LOCAL.test(address));
  const ipv6 = isLinkLocal ? socketAt(local, '::') : undefined;
  const own = addresses.find(({ family }) => family === 'IPv4');
  const ipv4 = own === undefined ? undefined : (socketAt(local, '0.0.0.0') ?? socketAt(local, own.address));
  const medium = isRadio(name) ? 'wifi' : 'lan';
  return { id, name, medium, ipv6, ipv4: ipv4 === undefined ? undefined : { ...ipv4, network: networkOf(own?.cidr) } };
}

function socketAt(local: readonly LocalAddress[], address: string): { socket: number; port: number } | undefined {
  const socket = local.findIndex((known) => known.address === address);
  return socket < 0 ? undefined : { socket, port: local[socket].port };
}

function networkOf(cidr: string | null | undefined): Ipv4Prefix {
  const network = parseIpv4Prefix(cidr ?? '');
  assert(network !== undefined, 'an IPv4 address with its prefix');
  return network;
}

function isRadio(name: string): boolean {
  return existsSync(`/sys/class/net/${name}/phy80211`);
}

/** Undefined when it went a moment ago. */
function interfaceNumber(name: string): number | undefined {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'));
  } catch {
    return undefined;
  }
}
