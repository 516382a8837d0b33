/** Echo requests (RFC 792) in IPv4 (RFC 791), built by hand: what the kernel's own stack answers. */

const IP_HEADER_BYTES = 20;
const ICMP_HEADER_BYTES = 8;

/** RFC 1071 over an even or odd number of bytes. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export function echoRequest(
  from: readonly number[],
  to: readonly number[],
  sequence: number,
  payloadBytes: number,
): Uint8Array {
  const packet = new Uint8Array(IP_HEADER_BYTES + ICMP_HEADER_BYTES + payloadBytes);
  const view = new DataView(packet.buffer);
  packet[0] = 0x45;
  view.setUint16(2, packet.length);
  packet[8] = 64;
  packet[9] = 1;
  packet.set(from, 12);
  packet.set(to, 16);
  view.setUint16(10, checksum(packet.subarray(0, IP_HEADER_BYTES)));
  packet[20] = 8;
  view.setUint16(24, 0x5157);
  view.setUint16(26, sequence);
  view.setUint16(22, checksum(packet.subarray(IP_HEADER_BYTES)));
  return packet;
}

export function isEchoReply(packet: Uint8Array): boolean {
  return packet[0] === 0x45 && packet[9] === 1 && packet[20] === 0;
}
