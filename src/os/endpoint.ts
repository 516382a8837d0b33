/**
 * Endpoints as people write them, `192.0.2.7:6969`, `[2001:db8::1]:6969`, `[fe80::1%eth0]:6969`, and as the core carries
 * them (24 bytes, src/base/datagram.ts). IP literals only: the protocol has no names.
 */
import { readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { readU16, readU32, writeU16, writeU32 } from '../base/bytes.ts';
import { ENDPOINT_BYTES, STREAM_SOCKET } from '../base/datagram.ts';

const ADDRESS_AT = 4;
const SCOPE_AT = 20;
const IPV6_GROUPS = 8;

/**
 * Undefined when the text is no endpoint, names an interface that does not exist, or `socketIndexOf` knows no socket of
 * its family.
 */
export function parseEndpoint(
  text: string,
  socketIndexOf: (family: 4 | 6) => number | undefined,
): Uint8Array | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  const family = match[1] === undefined ? 4 : 6;
  const socketIndex = socketIndexOf(family);
  if (port === 0 || port > 0xffff || socketIndex === undefined) return undefined;
  return encodeEndpoint(socketIndex, family, match[1] ?? match[2], port);
}

/** The first socket of a family. */
export function socketOf(sockets: readonly { readonly family: 4 | 6 }[], family: 4 | 6): number | undefined {
  const index = sockets.findIndex((socket) => socket.family === family);
  return index < 0 ? undefined : index;
}

/** `address` is an IP literal, with `%interface` where the address is link-local. Undefined when it is not. */
export function encodeEndpoint(
  socketIndex: number,
  family: 4 | 6,
  address: string,
  port: number,
): Uint8Array | undefined {
  const endpoint = new Uint8Array(ENDPOINT_BYTES);
  endpoint[0] = socketIndex;
  endpoint[1] = family;
  writeU16(endpoint, 2, port);
  if (family === 4) {
    if (!isIPv4(address)) return undefined;
    writeIpv4(endpoint, ADDRESS_AT, address);
    return endpoint;
  }
  const [literal, zone] = address.split('%', 2);
  if (!isIPv6(literal)) return undefined;
  writeIpv6(endpoint, ADDRESS_AT, literal);
  const scope = zone === undefined ? 0 : interfaceIndex(zone);
  if (scope === undefined) return undefined;
  writeU32(endpoint, SCOPE_AT, scope);
  return endpoint;
}

/** The text that `parseEndpoint` takes; the zone of a link-local address is the interface's number. */
export function formatEndpoint(endpoint: Uint8Array): string {
  const port = readU16(endpoint, 2);
  return endpoint[1] === 4 ? `${formatAddress(endpoint)}:${port}` : `[${formatAddress(endpoint)}]:${port}`;
}

/** The address alone, IPv6 as RFC 5952 has it. */
export function formatAddress(endpoint: Uint8Array): string {
  if (endpoint[1] === 4) return endpoint.subarray(ADDRESS_AT, ADDRESS_AT + 4).join('.');
  const scope = readU32(endpoint, SCOPE_AT);
  const groups = Array.from({ length: IPV6_GROUPS }, (_, i) => readU16(endpoint, ADDRESS_AT + 2 * i));
  const literal = compressZeros(groups);
  return scope === 0 ? literal : `${literal}%${scope}`;
}

/**
 * The address alone, as Node's sockets take it: a zone by its name, not by its number. Undefined when the interface is gone.
 */
export function socketAddress(endpoint: Uint8Array): string | undefined {
  const [literal, scope] = formatAddress(endpoint).split('%', 2);
  if (scope === undefined) return literal;
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.some((address) => address.family === 'IPv6' && address.scopeid === Number(scope))) {
      return `${literal}%${name}`;
    }
  }
  return undefined;
}

/**
 * The text that `parseEndpoint` takes, also after a restart: a zone by its name. Undefined when the interface is gone, and for
 * what is no address, or that of a stream, which is new each time.
 */
export function lastingEndpoint(endpoint: Uint8Array): string | undefined {
  if (endpoint[0] === STREAM_SOCKET) return undefined;
  const [family, port] = [endpoint[1], readU16(endpoint, 2)];
  if (family === 4) return `${formatAddress(endpoint)}:${port}`;
  const address = family === 6 ? socketAddress(endpoint) : undefined;
  return address && `[${address}]:${port}`;
}

function writeIpv4(bytes: Uint8Array, at: number, literal: string): void {
  bytes.set(literal.split('.').map(Number), at);
}

/** `literal` has been checked by `isIPv6`: only its spelling is undone here. */
function writeIpv6(bytes: Uint8Array, at: number, literal: string): void {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(literal);
  const end = tail === null ? at + 16 : at + 12;
  if (tail !== null) writeIpv4(bytes, end, tail[2]);
  // Before an IPv4 tail stands its colon: take it away unless it is half of the "::".
  const hex = tail === null ? literal : tail[1].replace(/([^:]):$/, '$1');
  const [left, right] = hex.split('::', 2);
  const groupsOf = (text: string | undefined) =>
    text ? text.split(':').map((group) => Number.parseInt(group, 16)) : [];
  let next = at;
  for (const group of groupsOf(left)) {
    writeU16(bytes, next, group);
    next += 2;
  }
  const last = groupsOf(right);
  next = end - 2 * last.length;
  for (const group of last) {
    writeU16(bytes, next, group);
    next += 2;
  }
}

/** RFC 5952: the longest run of two or more zero groups, the first of equals, becomes "::". */
function compressZeros(groups: readonly number[]): string {
  let start = 0;
  let length = 0;
  for (let i = 0; i < IPV6_GROUPS; i++) {
    let end = i;
    while (end < IPV6_GROUPS && groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
  }
  const hex = (from: number, to?: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return length < 2 ? hex(0) : `${hex(0, start)}::${hex(start + length)}`;
}

function interfaceIndex(zone: string): number | undefined {
  if (/^\d{1,9}$/.test(zone)) return Number(zone);
  if (!/^[\w@-][\w.@-]{0,14}$/.test(zone)) return undefined;
  try {
    return Number(readFileSync(`/sys/class/net/${zone}/ifindex`, 'utf8'));
  } catch {
    return undefined;
  }
}
