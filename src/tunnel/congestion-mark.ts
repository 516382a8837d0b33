/**
 * The mark that a queue sets instead of dropping a message, where the message is a packet whose ends understand it
 * (RFC 3168). It is called while the message is still in the clear (docs/protocol.md 8).
 */
import { IPV4_HEADER_BYTES, markCongestion } from '../wire/ip.ts';
import { packetStart, TUNNEL_KIND } from '../wire/tunnel-message.ts';

const IPV4 = 4;

/** Marks the packet in a PACKET message in place; false when it is another message, or its ends know no marks. */
export function markPacket(message: Uint8Array): boolean {
  if (message[0] !== TUNNEL_KIND.packet) return false;
  const start = packetStart(message);
  if (start === undefined || message.length - start < IPV4_HEADER_BYTES || message[start] >>> 4 !== IPV4) return false;
  return markCongestion(message, start);
}
