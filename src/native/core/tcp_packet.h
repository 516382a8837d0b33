/* Where the fields stand in an IPv4 (RFC 791) or IPv6 (RFC 8200) packet with TCP (RFC 9293), and writing the two that change. */
#ifndef SKYWIRE_TCP_PACKET_H
#define SKYWIRE_TCP_PACKET_H

#include "checksum.h"

#define IPV4_HEADER_BYTES 20
#define IPV4_TOS 1
#define IPV4_LENGTH 2
#define IPV4_ID 4
#define IPV4_FRAGMENT 6
#define IPV4_TTL 8
#define IPV4_PROTOCOL 9
#define IPV4_CHECKSUM 10
#define IPV4_SOURCE 12
#define IPV4_DONT_FRAGMENT 0x4000

#define IPV6_HEADER_BYTES 40
#define IPV6_LENGTH 4
#define IPV6_NEXT_HEADER 6
#define IPV6_HOP_LIMIT 7
#define IPV6_SOURCE 8

#define TCP_HEADER_BYTES 20
#define TCP_SEQUENCE 4
#define TCP_ACK 8
#define TCP_DATA_OFFSET 12
#define TCP_FLAGS 13
#define TCP_WINDOW 14
#define TCP_CHECKSUM 16
#define TCP_URGENT 18

#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_ACKED 0x10
#define TCP_CWR 0x80

#define IP_PACKET_MAX 65535

static inline uint16_t get_u16(const uint8_t *at) {
  return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void put_u16(uint8_t *at, uint16_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static inline uint32_t get_u32(const uint8_t *at) {
  return (uint32_t)get_u16(at) << 16 | get_u16(at + 2);
}

static inline void put_u32(uint8_t *at, uint32_t value) {
  put_u16(at, (uint16_t)(value >> 16));
  put_u16(at + 2, (uint16_t)value);
}

/*
 * Where TCP begins in a packet of `length` bytes, and through `headers` where its payload does. 0 when it is no TCP, a
 * fragment, or shorter than its headers; IPv6 with extension headers counts as no TCP.
 */
static inline size_t tcp_at(const uint8_t *packet, size_t length, size_t *headers) {
  if (length < IPV4_HEADER_BYTES + TCP_HEADER_BYTES) return 0;
  size_t at = 0;
  if (packet[0] >> 4 == 4) {
    at = (size_t)(packet[0] & 15) * 4;
    if (at < IPV4_HEADER_BYTES || packet[IPV4_PROTOCOL] != IPPROTO_TCP) return 0;
    if ((get_u16(packet + IPV4_FRAGMENT) & ~IPV4_DONT_FRAGMENT) != 0) return 0;
  } else {
    at = IPV6_HEADER_BYTES;
    if (packet[0] >> 4 != 6 || packet[IPV6_NEXT_HEADER] != IPPROTO_TCP) return 0;
  }
  if (at + TCP_HEADER_BYTES > length) return 0;
  size_t tcp_bytes = (size_t)(packet[at + TCP_DATA_OFFSET] >> 4) * 4;
  if (tcp_bytes < TCP_HEADER_BYTES || at + tcp_bytes > length) return 0;
  *headers = at + tcp_bytes;
  return at;
}

/* Writes the packet's length, and IPv4's checksum, into its IP header. */
static inline void put_ip_length(uint8_t *packet, size_t tcp, size_t length) {
  if (packet[0] >> 4 == 6) return put_u16(packet + IPV6_LENGTH, (uint16_t)(length - IPV6_HEADER_BYTES));
  put_u16(packet + IPV4_LENGTH, (uint16_t)length);
  put_u16(packet + IPV4_CHECKSUM, 0);
  checksum_put(packet + IPV4_CHECKSUM, (uint16_t)~checksum_fold(checksum_add(0, packet, tcp)));
}

#endif
