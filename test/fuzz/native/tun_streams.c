/*
 * Packets written to a TUN and read again from one: a pair of sockets is the kernel between them, so a superpacket that merging
 * made is cut by splitting. What comes out must be what went in, byte by byte, in order within each connection: the
 * promise of tcp_merge.h. Only IPv4's identification may differ, which says nothing where fragments are forbidden.
 *
 * The packets are TCP streams with a field changed here and there, since noise never joins.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/tun.h"
#include "fuzz_input.h"

#define MTU_BYTES 1500
#define PACKETS 80
#define ARENA_BYTES (256 * MTU_BYTES)

struct packets {
  uint8_t arena[ARENA_BYTES];
  uint32_t offsets[PACKETS];
  uint32_t lengths[PACKETS];
};

static struct tun writer, reader;
static struct packets in, out;

static void open_pair(void) {
  int fds[2];
  int bytes = 8 << 20;
  if (writer.mtu != 0) return;
  FUZZ_EXPECT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds) == 0);
  FUZZ_EXPECT(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) == 0 ||
              setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0);
  writer.fd = fds[0];
  reader.fd = fds[1];
  writer.mtu = reader.mtu = MTU_BYTES;
}

static void put_checksums(uint8_t *packet, size_t tcp, size_t length) {
  put_ip_length(packet, tcp, length);
  put_u16(packet + tcp + TCP_CHECKSUM, 0);
  uint64_t sum = checksum_add(checksum_tcp_pseudo(packet, length - tcp), packet + tcp, length - tcp);
  checksum_put(packet + tcp + TCP_CHECKSUM, (uint16_t)~checksum_fold(sum));
}

/* A packet of connection `flow` that carries on at `sequence`. Returns its length. */
static size_t put_segment(uint8_t *packet, uint8_t flow, uint32_t sequence, size_t payload, uint8_t options, uint8_t tcp_flags) {
  bool v4 = (flow & 1) == 0;
  size_t tcp = v4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  size_t headers = tcp + TCP_HEADER_BYTES + 4 * (size_t)options;
  memset(packet, 0, headers);
  if (v4) {
    packet[0] = 0x45;
    put_u16(packet + IPV4_FRAGMENT, IPV4_DONT_FRAGMENT);
    packet[IPV4_TTL] = 64;
    packet[IPV4_PROTOCOL] = IPPROTO_TCP;
    packet[IPV4_SOURCE] = 10;
  } else {
    packet[0] = 0x60;
    packet[IPV6_NEXT_HEADER] = IPPROTO_TCP;
    packet[IPV6_HOP_LIMIT] = 64;
    packet[IPV6_SOURCE] = 0xfd;
  }
  put_u16(packet + tcp, 443);
  put_u16(packet + tcp + 2, flow);
  put_u32(packet + tcp + TCP_SEQUENCE, sequence);
  packet[tcp + TCP_DATA_OFFSET] = (uint8_t)((5 + options) << 4);
  packet[tcp + TCP_FLAGS] = tcp_flags;
  memset(packet + headers, (int)(sequence & 0xff), payload);
  put_checksums(packet, tcp, headers + payload);
  return headers + payload;
}

static size_t make_packets(struct fuzz_input *input) {
  static const uint16_t payloads[] = {1000, 1000, 1000, 1, 0, 536, 1400, 1000};
  uint32_t sequences[4] = {0, 1, 0xfffffc00, 7};
  size_t count = 0, at = 0;
  while (input->left > 0 && count < PACKETS && ARENA_BYTES - at >= MTU_BYTES) {
    uint8_t what = fuzz_u8(input);
    uint8_t flow = what & 3;
    size_t payload = payloads[what >> 2 & 7];
    uint8_t options = (what & 0x20) != 0 ? 3 : 0;
    uint8_t flags = (what & 0x40) != 0 ? fuzz_u8(input) : TCP_ACKED;
    uint8_t *packet = in.arena + at;
    size_t length = put_segment(packet, flow, sequences[flow], payload, options, flags);
    sequences[flow] += (uint32_t)payload;
    if ((what & 0x80) != 0) {
      /* A byte of the headers changed; half of these with checksums that agree. */
      uint8_t field = fuzz_u8(input);
      packet[field % 60 < length ? field % 60 : 0] = fuzz_u8(input);
      size_t headers, tcp = tcp_at(packet, length, &headers);
      if (tcp != 0 && (field & 0x80) != 0) put_checksums(packet, tcp, length);
    }
    in.offsets[count] = (uint32_t)at;
    in.lengths[count++] = (uint32_t)length;
    at += length;
  }
  return count;
}

static bool same_packet(const uint8_t *a, const uint8_t *b, size_t length) {
  size_t headers, tcp = tcp_at(a, length, &headers);
  if (memcmp(a, b, length) == 0) return true;
  if (tcp == 0 || a[0] >> 4 != 4 || length <= IPV4_HEADER_BYTES) return false;
  /* The header's checksum covers the identification. */
  return memcmp(a, b, IPV4_ID) == 0 && memcmp(a + IPV4_FRAGMENT, b + IPV4_FRAGMENT, IPV4_CHECKSUM - IPV4_FRAGMENT) == 0 &&
         memcmp(a + IPV4_SOURCE, b + IPV4_SOURCE, length - IPV4_SOURCE) == 0 &&
         checksum_fold(checksum_add(0, b, tcp)) == 0xffff;
}

/* Each packet that came out is the first of its connection that had not; what belongs to none is looked for by its bytes. */
static void expect_same(size_t in_count, size_t out_count) {
  bool seen[PACKETS] = {false};
  for (size_t i = 0; i < out_count; i++) {
    const uint8_t *packet = out.arena + out.offsets[i];
    struct tcp_view view = tcp_view_of(packet, out.lengths[i], 0);
    bool found = false;
    for (size_t k = 0; k < in_count && !found; k++) {
      const uint8_t *other = in.arena + in.offsets[k];
      struct tcp_view other_view = tcp_view_of(other, in.lengths[k], 0);
      if (seen[k]) continue;
      found = in.lengths[k] == out.lengths[i] && same_packet(other, packet, out.lengths[i]);
      seen[k] = found;
      FUZZ_EXPECT(found || !tcp_view_same_flow(&view, &other_view));
    }
    FUZZ_EXPECT(found);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  struct fuzz_input input = {.bytes = bytes, .left = count};
  open_pair();
  size_t in_count = make_packets(&input);
  struct batch from = {.arena = in.arena, .arena_bytes = ARENA_BYTES, .offsets = in.offsets, .lengths = in.lengths, .capacity = PACKETS};
  struct batch to = {.arena = out.arena, .arena_bytes = ARENA_BYTES, .offsets = out.offsets, .lengths = out.lengths, .capacity = PACKETS};
  uint64_t dropped = writer.write_dropped + reader.read_dropped;
  FUZZ_EXPECT(tun_write(&writer, &from, in_count) == (long)in_count);
  long got = tun_read(&reader, &to);
  FUZZ_EXPECT(got == (long)in_count && !tun_has_more(&reader));
  FUZZ_EXPECT(writer.write_dropped + reader.read_dropped == dropped);
  expect_same(in_count, (size_t)got);
  return 0;
}
