/*
 * Packets in a row of one TCP connection as one superpacket for the kernel, which passes through its stack once: what
 * generic receive offload does behind a network card, by the same rules (Linux, net/ipv4/tcp_offload.c). Packets join only when cutting the
 * superpacket again gives the same packets: equal headers but for sequence and length, right checksums, no gap.
 *
 * Pure but for the iovecs, which point into the packets.
 */
#ifndef SKYWIRE_TCP_MERGE_H
#define SKYWIRE_TCP_MERGE_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <sys/uio.h>

#include "tcp_packet.h"

#define TCP_MERGE_PACKETS 64
#define TCP_MERGE_HEADERS (IPV6_HEADER_BYTES + 60)

/* A packet as merging sees it, or a superpacket, which is what others merged. */
struct tcp_view {
  const uint8_t *bytes;
  size_t length;
  size_t tcp; /* where TCP begins; 0: it belongs to no connection that we could tell */
  size_t headers;
  size_t segment; /* payload of each packet that it stands for; its own when it is a single one */
  bool whole;     /* a superpacket: its checksum is still to be made, and nobody's to check */
};

struct tcp_merge {
  struct tcp_view first;
  size_t length;   /* of the superpacket */
  size_t packets;  /* views that have joined */
  bool closed;     /* nothing may follow */
  bool checked;    /* the first packet's checksum was looked at, and is right */
  uint8_t flags;   /* of the last packet */
  struct virtio_net_hdr header;
  uint8_t headers[TCP_MERGE_HEADERS];
  struct iovec pieces[2 + TCP_MERGE_PACKETS];
};

/* `segment`: 0 for a single packet. */
struct tcp_view tcp_view_of(const uint8_t *packet, size_t length, size_t segment);

/* Whether a view that calls itself a superpacket can be one. */
bool tcp_view_is_sound(const struct tcp_view *view);

/* Whether both belong to one connection and direction: they must stay in order. */
bool tcp_view_same_flow(const struct tcp_view *a, const struct tcp_view *b);

/* A superpacket of one packet, whether or not another may join. */
void tcp_merge_begin(struct tcp_merge *merge, const struct tcp_view *first);

/* Adds the next packet of the same flow. False: it does not join, and what comes behind it must not either. */
bool tcp_merge_take(struct tcp_merge *merge, const struct tcp_view *next);

/* Headers for what has joined; `pieces` is then what to write, in one call. Returns the number of pieces. */
size_t tcp_merge_finish(struct tcp_merge *merge);

#endif
