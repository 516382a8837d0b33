/*
 * One packet that the kernel gave out whole, cut into the packets that it stands for: TCP segments of equal payload, as a
 * network card with segmentation offload would make them. What is no superpacket comes out as it is, its checksum
 * completed where the kernel left that to the card.
 *
 * Pure: bytes in, bytes out.
 */
#ifndef SKYWIRE_TCP_SPLIT_H
#define SKYWIRE_TCP_SPLIT_H

#include <linux/virtio_net.h>
#include <stdbool.h>

#include "tcp_packet.h"

struct tcp_split {
  size_t length;   /* of the packet in `bytes` */
  size_t tcp;      /* where TCP begins; 0: comes out as it is */
  size_t headers;  /* where the payload begins */
  size_t piece;    /* payload of each segment; the last may have less */
  size_t at;       /* where the next segment's payload begins */
  uint16_t index;  /* of the next segment */
  bool pending;    /* something has still to come out */
  uint8_t bytes[IP_PACKET_MAX];
};

/*
 * The packet of `length` bytes in `split->bytes` came with this header. False when the two do not agree, or a segment would be
 * longer than `most` bytes: then nothing comes out.
 */
bool tcp_split_begin(struct tcp_split *split, const struct virtio_net_hdr *header, size_t length, size_t most);

/* Whether a superpacket of IPv4 has still to come out with nothing cut off. Those of IPv6 are always cut here. */
static inline bool tcp_split_is_whole(const struct tcp_split *split) {
  return split->pending && split->tcp != 0 && split->at == split->headers && split->bytes[0] >> 4 == 4;
}

/* Writes the superpacket as it came, `split->length` bytes, and sets *segment: its TCP checksum is not made. Only while it is whole. */
size_t tcp_split_whole(struct tcp_split *split, uint8_t *out, uint16_t *segment);

/* Writes the next packet, at most the `most` bytes of tcp_split_begin(), and returns its length. Only while `pending`. */
size_t tcp_split_next(struct tcp_split *split, uint8_t *out);

#endif
