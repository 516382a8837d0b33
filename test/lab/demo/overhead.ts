/**
 * How much of a shaped wire is left for TCP payload, from the byte tables of docs/protocol.md: the yardstick for "both routes
 * add up". It counts what no sender can avoid; what acknowledgements, probes and rekeying cost on top is the 10 % that the
 * demo allows.
 */

/** Ethernet 14 + IPv4 20 + UDP 8, as the shaper counts a datagram. */
const WIRE_HEADER_BYTES = 42;
/** Largest UDP payload on an Ethernet path of 1,500 bytes. */
const DATAGRAM_BYTES = 1472;
/** Session header 16 + tag 16 (section 2.2). */
const SESSION_BYTES = 32;
/** DATA frame 3 + 27 (section 3), route message 8 + 16, DATA 9 (section 6.2), PACKET 2 (section 8). */
const MESSAGE_BYTES = 30 + 24 + 9 + 2;
/** IPv4 20 + TCP 20 + timestamps 12. */
const TCP_HEADER_BYTES = 52;

/** Share of the shaped rate that TCP can get at best through a tunnel of this MTU; datagrams are filled to the last byte. */
export function payloadShare(tunnelMtuBytes: number): number {
  const framesShare = (DATAGRAM_BYTES - SESSION_BYTES) / (DATAGRAM_BYTES + WIRE_HEADER_BYTES);
  return framesShare * ((tunnelMtuBytes - TCP_HEADER_BYTES) / (tunnelMtuBytes + MESSAGE_BYTES));
}
