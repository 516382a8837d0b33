/**
 * Reads what tcpdump wrote (classic pcap, Ethernet) far enough to judge it: who to whom, which protocol, which payload.
 * File format: pcap, link type 1; https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-03.html.
 */
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const ETHERNET = 1;
const ETHERNET_HEADER_BYTES = 14;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const IPV6_HEADER_BYTES = 40;
const UDP_HEADER_BYTES = 8;
export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_ICMPV6 = 58;

export interface CapturedPacket {
  /** Seconds since 1970. */
  readonly time: number;
  /** 4, 6, or 0 for what is not IP (ARP). */
  readonly family: 0 | 4 | 6;
  readonly source: string;
  readonly destination: string;
  /** IP protocol number; 0 where there is none. */
  readonly protocol: number;
  /** TCP and UDP ports; 0 otherwise. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Behind the UDP header, or behind the IP header for everything else; the whole frame for what is not IP. */
  readonly payload: Uint8Array;
}

/** All complete packets of a capture file; a record that tcpdump was still writing is left out. */
export function readPcap(file: Buffer): CapturedPacket[] {
  if (file.length < FILE_HEADER_BYTES) return [];
  const little = file.readUInt32LE(0) === MAGIC_MICROSECONDS;
  const u32 = (at: number) => (little ? file.readUInt32LE(at) : file.readUInt32BE(at));
  if (u32(0) !== MAGIC_MICROSECONDS || u32(20) !== ETHERNET) throw new Error('not a pcap file of Ethernet frames');
  const packets: CapturedPacket[] = [];
  let at = FILE_HEADER_BYTES;
  while (at + RECORD_HEADER_BYTES <= file.length) {
    const length = u32(at + 8);
    const start = at + RECORD_HEADER_BYTES;
    if (start + length > file.length) break;
    packets.push(readFrame(u32(at) + u32(at + 4) / 1e6, file.subarray(start, start + length)));
    at = start + length;
  }
  return packets;
}

function readFrame(time: number, frame: Buffer): CapturedPacket {
  const type = frame.length >= ETHERNET_HEADER_BYTES ? frame.readUInt16BE(12) : 0;
  const ip = frame.subarray(ETHERNET_HEADER_BYTES);
  if (type === ETHERTYPE_IPV4 && ip.length >= 20) {
    const header = (ip[0] & 0x0f) * 4;
    // Ethernet pads short frames: the IP header knows where the packet ends.
    const body = ip.subarray(header, ip.readUInt16BE(2));
    return { time, family: 4, source: ipv4(ip, 12), destination: ipv4(ip, 16), ...transport(ip[9], body) };
  }
  if (type === ETHERTYPE_IPV6 && ip.length >= IPV6_HEADER_BYTES) {
    const body = ip.subarray(IPV6_HEADER_BYTES, IPV6_HEADER_BYTES + ip.readUInt16BE(4));
    return { time, family: 6, source: ipv6(ip, 8), destination: ipv6(ip, 24), ...transport(ip[6], body) };
  }
  const nowhere = { source: '', destination: '', protocol: 0, sourcePort: 0, destinationPort: 0 };
  return { time, family: 0, ...nowhere, payload: frame };
}

function transport(protocol: number, body: Buffer) {
  const hasPorts = (protocol === PROTOCOL_UDP || protocol === PROTOCOL_TCP) && body.length >= UDP_HEADER_BYTES;
  return {
    protocol,
    sourcePort: hasPorts ? body.readUInt16BE(0) : 0,
    destinationPort: hasPorts ? body.readUInt16BE(2) : 0,
    payload: protocol === PROTOCOL_UDP ? body.subarray(UDP_HEADER_BYTES) : body,
  };
}

function ipv4(bytes: Buffer, at: number): string {
  return bytes.subarray(at, at + 4).join('.');
}

/** Eight groups without the shortening `::`; good enough to compare. */
function ipv6(bytes: Buffer, at: number): string {
  return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + 2 * i).toString(16)).join(':');
}
