#include "tcp_split.h"

static bool complete_checksum(struct tcp_split *split, const struct virtio_net_hdr *header) {
  size_t start = header->csum_start;
  size_t field = start + header->csum_offset;
  if (start >= split->length || field + 2 > split->length) return false;
  /* The field holds the pseudo header's sum. */
  uint16_t checksum = (uint16_t)~checksum_fold(checksum_add(0, split->bytes + start, split->length - start));
  /* UDP says "none" with 0; TCP takes either form of it. */
  checksum_put(split->bytes + field, checksum == 0 ? 0xffff : checksum);
  return true;
}

bool tcp_split_begin(struct tcp_split *split, const struct virtio_net_hdr *header, size_t length, size_t most) {
  split->pending = false;
  if (length == 0 || length > sizeof split->bytes) return false;
  split->length = length;
  split->index = 0;
  split->tcp = 0;
  uint8_t kind = header->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
  if (kind == VIRTIO_NET_HDR_GSO_NONE) {
    if (length > most) return false;
    if ((header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0 && !complete_checksum(split, header)) return false;
  } else {
    uint8_t version = split->bytes[0] >> 4;
    if (kind == VIRTIO_NET_HDR_GSO_TCPV4 ? version != 4 : kind != VIRTIO_NET_HDR_GSO_TCPV6 || version != 6) return false;
    split->tcp = tcp_at(split->bytes, length, &split->headers);
    split->piece = header->gso_size;
    split->at = split->headers;
    if (split->tcp == 0 || split->piece == 0 || split->headers + split->piece > most) return false;
  }
  split->pending = true;
  return true;
}

size_t tcp_split_whole(struct tcp_split *split, uint8_t *out, uint16_t *segment) {
  memcpy(out, split->bytes, split->length);
  *segment = (uint16_t)split->piece;
  split->pending = false;
  return split->length;
}

size_t tcp_split_next(struct tcp_split *split, uint8_t *out) {
  const size_t tcp = split->tcp;
  if (tcp == 0) {
    split->pending = false;
    memcpy(out, split->bytes, split->length);
    return split->length;
  }
  size_t left = split->length - split->at;
  size_t payload = left < split->piece ? left : split->piece;
  size_t length = split->headers + payload;
  split->pending = payload < left;
  memcpy(out, split->bytes, split->headers);
  memcpy(out + split->headers, split->bytes + split->at, payload);

  if (out[0] >> 4 == 4) put_u16(out + IPV4_ID, (uint16_t)(get_u16(out + IPV4_ID) + split->index));
  put_ip_length(out, tcp, length);
  put_u32(out + tcp + TCP_SEQUENCE, get_u32(out + tcp + TCP_SEQUENCE) + (uint32_t)(split->at - split->headers));
  if (split->pending) out[tcp + TCP_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
  if (split->index > 0) out[tcp + TCP_FLAGS] &= (uint8_t)~TCP_CWR;
  put_u16(out + tcp + TCP_CHECKSUM, 0);
  uint64_t sum = checksum_add(checksum_tcp_pseudo(out, length - tcp), out + tcp, length - tcp);
  checksum_put(out + tcp + TCP_CHECKSUM, (uint16_t)~checksum_fold(sum));

  split->at += payload;
  split->index++;
  return length;
}
