#include "tcp_merge.h"

struct tcp_view tcp_view_of(const uint8_t *packet, size_t length, size_t segment) {
  struct tcp_view view = {.bytes = packet, .length = length, .whole = segment != 0};
  view.tcp = tcp_at(packet, length, &view.headers);
  view.segment = view.whole || view.tcp == 0 ? segment : length - view.headers;
  return view;
}

bool tcp_view_is_sound(const struct tcp_view *view) {
  if (view->tcp == 0 || view->length == view->headers || view->length > IP_PACKET_MAX) return false;
  if (view->headers + view->segment > IP_PACKET_MAX) return false;
  const uint8_t *ip = view->bytes;
  if (ip[0] >> 4 == 6) return get_u16(ip + IPV6_LENGTH) + (size_t)IPV6_HEADER_BYTES == view->length;
  return get_u16(ip + IPV4_LENGTH) == view->length;
}

bool tcp_view_same_flow(const struct tcp_view *a, const struct tcp_view *b) {
  if (a->tcp == 0 || b->tcp == 0 || a->bytes[0] >> 4 != b->bytes[0] >> 4) return false;
  if (memcmp(a->bytes + a->tcp, b->bytes + b->tcp, 4) != 0) return false;
  bool v4 = a->bytes[0] >> 4 == 4;
  size_t addresses = v4 ? IPV4_SOURCE : IPV6_SOURCE;
  return memcmp(a->bytes + addresses, b->bytes + addresses, v4 ? 8 : 32) == 0;
}

/* One that a superpacket may begin with, or hold: plain data without anything that cutting could not give back. */
static bool is_plain_data(const struct tcp_view *view, uint8_t flags) {
  const uint8_t *ip = view->bytes;
  const uint8_t *tcp = ip + view->tcp;
  if (view->tcp == 0 || view->length == view->headers) return false;
  if ((tcp[TCP_FLAGS] & ~flags) != TCP_ACKED || get_u16(tcp + TCP_URGENT) != 0) return false;
  if (ip[0] >> 4 == 6) return get_u16(ip + IPV6_LENGTH) + (size_t)IPV6_HEADER_BYTES == view->length;
  if (view->tcp != IPV4_HEADER_BYTES || get_u16(ip + IPV4_LENGTH) != view->length) return false;
  return get_u16(ip + IPV4_FRAGMENT) == IPV4_DONT_FRAGMENT;
}

static bool has_right_checksums(const struct tcp_view *view) {
  const uint8_t *ip = view->bytes;
  if (ip[0] >> 4 == 4 && checksum_fold(checksum_add(0, ip, view->tcp)) != 0xffff) return false;
  size_t length = view->length - view->tcp;
  return checksum_fold(checksum_add(checksum_tcp_pseudo(ip, length), ip + view->tcp, length)) == 0xffff;
}

/* Whether all that cutting copies from the first packet's headers stands in this one too. */
static bool has_same_headers(const struct tcp_view *a, const struct tcp_view *b) {
  const uint8_t *a_tcp = a->bytes + a->tcp;
  const uint8_t *b_tcp = b->bytes + b->tcp;
  if (a->headers != b->headers) return false;
  if (a->bytes[0] >> 4 == 4) {
    if (a->bytes[IPV4_TOS] != b->bytes[IPV4_TOS] || a->bytes[IPV4_TTL] != b->bytes[IPV4_TTL]) return false;
  } else if (memcmp(a->bytes, b->bytes, 4) != 0 || a->bytes[IPV6_HOP_LIMIT] != b->bytes[IPV6_HOP_LIMIT]) {
    return false;
  }
  return memcmp(a_tcp + TCP_ACK, b_tcp + TCP_ACK, 5) == 0 && memcmp(a_tcp + TCP_WINDOW, b_tcp + TCP_WINDOW, 2) == 0 &&
         memcmp(a_tcp + TCP_HEADER_BYTES, b_tcp + TCP_HEADER_BYTES, a->headers - a->tcp - TCP_HEADER_BYTES) == 0;
}

static void add_piece(struct tcp_merge *merge, const struct tcp_view *view) {
  merge->pieces[2 + merge->packets] = (struct iovec){
      .iov_base = (void *)(uintptr_t)(view->bytes + view->headers), .iov_len = view->length - view->headers};
  merge->packets++;
}

/* Nothing may follow a segment that is not full. */
static bool ends_short(const struct tcp_view *view) {
  return view->segment != 0 && (view->length - view->headers) % view->segment != 0;
}

void tcp_merge_begin(struct tcp_merge *merge, const struct tcp_view *first) {
  merge->first = *first;
  merge->length = first->length;
  merge->packets = 0;
  merge->closed = !is_plain_data(first, 0) || ends_short(first);
  merge->checked = first->whole;
  merge->flags = first->tcp == 0 ? 0 : first->bytes[first->tcp + TCP_FLAGS];
  add_piece(merge, first);
}

bool tcp_merge_take(struct tcp_merge *merge, const struct tcp_view *next) {
  const struct tcp_view *first = &merge->first;
  size_t payload = next->length - next->headers;
  size_t piece = first->segment;
  if (merge->closed || merge->packets == TCP_MERGE_PACKETS || merge->length + payload > IP_PACKET_MAX) return false;
  if (!is_plain_data(next, TCP_PSH) || !has_same_headers(first, next)) return false;
  if (next->whole ? next->segment != piece : payload > piece) return false;
  uint32_t sequence = get_u32(first->bytes + first->tcp + TCP_SEQUENCE) + (uint32_t)(merge->length - first->headers);
  if (get_u32(next->bytes + next->tcp + TCP_SEQUENCE) != sequence) return false;
  if (!merge->checked && !has_right_checksums(first)) return false;
  merge->checked = true;
  if (!next->whole && !has_right_checksums(next)) return false;
  merge->flags = next->bytes[next->tcp + TCP_FLAGS];
  merge->closed = payload % piece != 0 || (merge->flags & TCP_PSH) != 0;
  merge->length += payload;
  add_piece(merge, next);
  return true;
}

size_t tcp_merge_finish(struct tcp_merge *merge) {
  const struct tcp_view *first = &merge->first;
  merge->header = (struct virtio_net_hdr){0};
  merge->pieces[0] = (struct iovec){.iov_base = &merge->header, .iov_len = sizeof merge->header};
  if (merge->packets == 1 && !first->whole) {
    merge->pieces[1] = (struct iovec){.iov_base = (void *)(uintptr_t)first->bytes, .iov_len = first->length};
    return 2;
  }
  uint8_t *headers = merge->headers;
  memcpy(headers, first->bytes, first->headers);
  put_ip_length(headers, first->tcp, merge->length);
  headers[first->tcp + TCP_FLAGS] = merge->flags;
  /* The kernel adds the rest, packet by packet, once they part again. */
  checksum_put(headers + first->tcp + TCP_CHECKSUM, checksum_fold(checksum_tcp_pseudo(headers, merge->length - first->tcp)));
  merge->header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
  if (merge->length - first->headers > first->segment) {
    merge->header.gso_type = headers[0] >> 4 == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
    if ((merge->flags & TCP_CWR) != 0) merge->header.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
    merge->header.gso_size = (uint16_t)first->segment;
  }
  merge->header.hdr_len = (uint16_t)first->headers;
  merge->header.csum_start = (uint16_t)first->tcp;
  merge->header.csum_offset = TCP_CHECKSUM;
  merge->pieces[1] = (struct iovec){.iov_base = headers, .iov_len = first->headers};
  return 2 + merge->packets;
}
