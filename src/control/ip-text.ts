/**
 * IP addresses, networks and endpoints as people write them. Strict: what does not parse here is refused before any
 * socket or firewall rule sees it. IPv4 is a u32 here, because the configuration computes with networks.
 */

/** An IPv4 address with a prefix length, `192.168.42.1/24`. */
export interface Ipv4Prefix {
  readonly address: number;
  readonly prefixLength: number;
}

/** An IP literal with a port. `address` is without brackets. */
export interface Endpoint {
  readonly family: 4 | 6;
  readonly address: string;
  readonly port: number;
}

/** Four decimal numbers without leading zeros (the strict form of RFC 6943 section 3.1.1). */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let address = 0;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    address = address * 256 + Number(part);
  }
  return address;
}

export function formatIpv4(address: number): string {
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join('.');
}

/** RFC 4291 section 2.2, all three forms; no zone. Eight 16-bit groups. */
export function parseIpv6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0], halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1], true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...Array<number>(missing).fill(0), ...tail];
}

/** Groups of one side of `::`. Only the text's end may be written as IPv4. */
function groupsOf(text: string, endsAddress: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const embedded = endsAddress && index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (embedded !== undefined) groups.push(embedded >>> 16, embedded & 0xffff);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** `a.b.c.d/n` with n from 0 to 32; bits behind the prefix may be set. */
export function parseIpv4Prefix(text: string): Ipv4Prefix | undefined {
  const match = /^([0-9.]+)\/(0|[1-9][0-9]?)$/.exec(text);
  if (match === null) return undefined;
  const address = parseIpv4(match[1]);
  const prefixLength = Number(match[2]);
  if (address === undefined || prefixLength > 32) return undefined;
  return { address, prefixLength };
}

/** A network, or an address of one host, which is a network of 32 bits. */
export function parseIpv4Place(text: string): Ipv4Prefix | undefined {
  const address = parseIpv4(text);
  return address === undefined ? parseIpv4Prefix(text) : { address, prefixLength: 32 };
}

/** First address of the network: all bits behind the prefix zero. */
export function networkAddress(prefix: Ipv4Prefix): number {
  return prefix.prefixLength === 0 ? 0 : (prefix.address & (0xffffffff << (32 - prefix.prefixLength))) >>> 0;
}

/** Last address of the network: all bits behind the prefix one. */
export function broadcastAddress(prefix: Ipv4Prefix): number {
  return networkAddress(prefix) + 2 ** (32 - prefix.prefixLength) - 1;
}

export function formatIpv4Prefix(prefix: Ipv4Prefix): string {
  return `${formatIpv4(prefix.address)}/${prefix.prefixLength}`;
}

/** Whether any address is in both networks. */
export function overlap(a: Ipv4Prefix, b: Ipv4Prefix): boolean {
  return networkAddress(a) <= broadcastAddress(b) && networkAddress(b) <= broadcastAddress(a);
}

/** `192.0.2.7:6969` or `[2001:db8::7]:6969`, port 1 to 65535. Names are not looked up anywhere in the protocol. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):([1-9][0-9]{0,4})$/.exec(text);
  if (match === null || Number(match[3]) > 65535) return undefined;
  const port = Number(match[3]);
  if (match[1] !== undefined) {
    return parseIpv6(match[1]) === undefined ? undefined : { family: 6, address: match[1], port };
  }
  return parseIpv4(match[2]) === undefined ? undefined : { family: 4, address: match[2], port };
}

export function formatEndpoint(endpoint: Endpoint): string {
  return endpoint.family === 6 ? `[${endpoint.address}]:${endpoint.port}` : `${endpoint.address}:${endpoint.port}`;
}
