/*
 * The internet checksum, RFC 1071: the ones' complement sum of 16-bit words. A running sum is kept in 64 bits and in the
 * machine's byte order, in which it comes out right on any machine; ranges begin at even offsets of what they are part of.
 */
#ifndef SKYWIRE_CHECKSUM_H
#define SKYWIRE_CHECKSUM_H

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t length) {
  size_t at = 0;
  for (; at + 4 <= length; at += 4) {
    uint32_t word;
    memcpy(&word, bytes + at, 4);
    sum += word;
  }
  uint8_t tail[4] = {0};
  memcpy(tail, bytes + at, length - at);
  uint32_t word;
  memcpy(&word, tail, 4);
  return sum + word;
}

/* 16 bits, not yet complemented, in the machine's byte order: memcpy() it into the packet. */
static inline uint16_t checksum_fold(uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)sum;
}

static inline void checksum_put(uint8_t *field, uint16_t checksum) {
  memcpy(field, &checksum, 2);
}

/* What a TCP checksum covers of the IP header in front: addresses, protocol and the bytes of the segment with its header. */
static inline uint64_t checksum_tcp_pseudo(const uint8_t *ip, size_t tcp_bytes) {
  uint64_t sum = htons(IPPROTO_TCP) + (uint64_t)htons((uint16_t)tcp_bytes);
  return ip[0] >> 4 == 4 ? checksum_add(sum, ip + 12, 8) : checksum_add(sum, ip + 8, 32);
}

#endif
