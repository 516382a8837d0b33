/*
 * Any bytes read from a TUN: headers that do not fit their packet, superpackets of every kind. Whatever comes, packets given to
 * JavaScript lie inside its arena, a single one no longer than the MTU and a superpacket with segments that are not, and all of
 * it is given out, over as many batches as it takes. What was read may be written again.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/tun.h"
#include "fuzz_input.h"

#define PACKETS 16
#define LONGEST 65535

static struct tun tun;
static int kernel = -1;

static void open_pair(void) {
  int fds[2];
  int bytes = 1 << 20;
  if (kernel >= 0) return;
  FUZZ_EXPECT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds) == 0);
  FUZZ_EXPECT(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0);
  kernel = fds[0];
  tun.fd = fds[1];
}

/* TCP in IPv4 or IPv6 with zeros behind it, of any length; then some bytes of its headers as the input has them. */
static size_t make_packet(struct fuzz_input *input, uint8_t *packet) {
  uint8_t what = fuzz_u8(input);
  size_t length = (what & 1) != 0 ? fuzz_u16(input) : fuzz_u8(input);
  bool v4 = (what & 2) != 0;
  size_t tcp = v4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  memset(packet, 0, LONGEST);
  packet[0] = v4 ? 0x45 : 0x60;
  packet[v4 ? IPV4_PROTOCOL : IPV6_NEXT_HEADER] = IPPROTO_TCP;
  packet[tcp + TCP_DATA_OFFSET] = 0x50;
  for (uint8_t changes = fuzz_u8(input) & 3; changes > 0; changes--) {
    uint8_t at = fuzz_u8(input);
    packet[at] = fuzz_u8(input);
  }
  return length;
}

/* One that asks for segmentation, half of the time one that fits the packet. */
static void make_header(struct fuzz_input *input, struct virtio_net_hdr *header, const uint8_t *packet) {
  fuzz_bytes(input, (uint8_t *)header, sizeof *header);
  if ((fuzz_u8(input) & 1) == 0) return;
  header->gso_type = packet[0] >> 4 == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
  header->gso_size = (uint16_t)(header->gso_size % (tun.mtu + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  static uint8_t packet[LONGEST];
  struct fuzz_input input = {.bytes = bytes, .left = count};
  open_pair();
  tun.mtu = 68 + fuzz_below(&input, 9000);
  size_t arena_bytes = tun.mtu * (1 + fuzz_u8(&input) % PACKETS);
  uint8_t *arena = malloc(arena_bytes); /* of that size, so that a byte too far is noticed */
  uint32_t offsets[PACKETS], lengths[PACKETS];
  uint16_t segments[PACKETS];
  struct batch batch = {.arena = arena,
                        .arena_bytes = arena_bytes,
                        .offsets = offsets,
                        .lengths = lengths,
                        .segments = (fuzz_u8(&input) & 1) != 0 ? segments : NULL,
                        .capacity = 1 + fuzz_u8(&input) % PACKETS};
  FUZZ_EXPECT(arena != NULL);
  while (input.left > 0) {
    struct virtio_net_hdr header;
    size_t length = make_packet(&input, packet);
    make_header(&input, &header, packet);
    struct iovec parts[2] = {{.iov_base = &header, .iov_len = sizeof header}, {.iov_base = packet, .iov_len = length}};
    FUZZ_EXPECT(writev(kernel, parts, 2) == (ssize_t)(sizeof header + length));
    long got;
    while ((got = tun_read(&tun, &batch)) > 0) {
      FUZZ_EXPECT((size_t)got <= batch.capacity && batch_holds(&batch, (size_t)got));
      for (long i = 0; i < got; i++) {
        uint16_t segment = batch.segments == NULL ? 0 : segments[i];
        FUZZ_EXPECT(lengths[i] > 0 && (segment == 0 ? lengths[i] : segment) <= tun.mtu);
        /* As a peer may say it. */
        if (batch.segments != NULL && (fuzz_u8(&input) & 3) == 0) segments[i] = fuzz_u16(&input);
      }
      FUZZ_EXPECT(tun_write(&tun, &batch, (size_t)got) <= got);
      while (read(kernel, packet, sizeof packet) > 0) continue;
    }
    FUZZ_EXPECT(got == 0 && !tun_has_more(&tun));
  }
  free(arena);
  return 0;
}
