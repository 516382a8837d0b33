/*
 * Batches through real sockets on the loopback of a network namespace without any other interface. Whatever stands in a batch, nothing is read
 * outside its arena; runs that leave as segments come in as the same datagrams, in order, over batches of any size; each is counted
 * once.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/udp.h"
#include "fuzz_input.h"

#define DATAGRAMS 128
#define SLOT_BYTES 2048
#define ARENA_BYTES (DATAGRAMS * SLOT_BYTES)

static struct udp udp;
static uint8_t endpoints_here[2][ENDPOINT_BYTES];

static void bring_loopback_up(void) {
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  FUZZ_EXPECT(fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0);
  close(fd);
}

static void open_sockets(void) {
  static const char *const addresses[2] = {"127.0.0.1", "::1"};
  if (udp.count != 0) return;
  FUZZ_EXPECT(unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0);
  bring_loopback_up();
  for (uint8_t i = 0; i < 2; i++) {
    char text[UDP_ADDRESS_TEXT_BYTES];
    uint8_t *endpoint = endpoints_here[i];
    uint16_t port;
    FUZZ_EXPECT(udp_bind(&udp, addresses[i], 0) == i && udp_local(&udp, i, text, &port) == 0);
    endpoint[0] = i;
    endpoint[1] = i == 0 ? 4 : 6;
    endpoint[2] = (uint8_t)(port >> 8);
    endpoint[3] = (uint8_t)port;
    FUZZ_EXPECT(inet_pton(i == 0 ? AF_INET : AF_INET6, addresses[i], endpoint + 4) == 1);
  }
}

struct datagrams {
  uint8_t arena[ARENA_BYTES];
  uint32_t offsets[DATAGRAMS];
  uint32_t lengths[DATAGRAMS];
  uint8_t endpoints[DATAGRAMS * ENDPOINT_BYTES];
};

static struct datagrams in, out;

static struct batch batch_of(struct datagrams *datagrams, size_t capacity, size_t slot_bytes) {
  return (struct batch){.arena = datagrams->arena,
                        .arena_bytes = capacity * slot_bytes,
                        .offsets = datagrams->offsets,
                        .lengths = datagrams->lengths,
                        .endpoints = datagrams->endpoints,
                        .capacity = capacity};
}

/* Runs of datagrams to the sockets here. Returns how many. */
static size_t make_runs(struct fuzz_input *input, size_t most) {
  size_t count = 0;
  while (input->left > 0 && count < most) {
    uint8_t what = fuzz_u8(input);
    uint32_t length = fuzz_below(input, SLOT_BYTES + 1);
    for (uint32_t run = 1 + (what >> 1) % 80; run > 0 && count < most; run--) {
      in.offsets[count] = (uint32_t)(count * SLOT_BYTES);
      in.lengths[count] = length;
      memset(in.arena + in.offsets[count], (int)count, length);
      memcpy(in.endpoints + count * ENDPOINT_BYTES, endpoints_here[what & 1], ENDPOINT_BYTES);
      count++;
    }
  }
  return count;
}

/* The next datagram sent to socket `index` that was not seen and fits; `sent` when there is none. */
static size_t next_sent(bool *seen, size_t sent, uint8_t index, size_t slot_bytes) {
  for (size_t k = 0; k < sent; k++) {
    if (seen[k] || in.endpoints[k * ENDPOINT_BYTES] != index || in.lengths[k] > slot_bytes) continue;
    seen[k] = true;
    return k;
  }
  return sent;
}

/* The sockets are read in turn, so what was sent to the other one may come between. */
static void expect_received(size_t sent, size_t capacity, size_t slot_bytes) {
  struct batch batch = batch_of(&out, capacity, slot_bytes);
  bool seen[DATAGRAMS] = {false};
  uint64_t truncated = udp.truncated;
  size_t count = 0;
  long got;
  while ((got = udp_receive(&udp, &batch)) > 0) {
    FUZZ_EXPECT((size_t)got <= capacity && batch_holds(&batch, (size_t)got));
    for (long i = 0; i < got; i++, count++) {
      size_t k = next_sent(seen, sent, out.endpoints[i * ENDPOINT_BYTES], slot_bytes);
      FUZZ_EXPECT(k < sent && in.lengths[k] == out.lengths[i]);
      FUZZ_EXPECT(memcmp(in.arena + in.offsets[k], out.arena + out.offsets[i], out.lengths[i]) == 0);
    }
  }
  FUZZ_EXPECT(!udp_has_more(&udp) && count + (udp.truncated - truncated) == sent);
}

static void send_and_receive(struct fuzz_input *input) {
  size_t capacity = 1 + fuzz_u8(input) % DATAGRAMS;
  size_t slot_bytes = (fuzz_u8(input) & 1) != 0 ? SLOT_BYTES : 1 + fuzz_below(input, SLOT_BYTES);
  struct batch batch = batch_of(&in, DATAGRAMS, SLOT_BYTES);
  size_t count = make_runs(input, 1 + fuzz_u8(input) % DATAGRAMS);
  FUZZ_EXPECT(udp_send(&udp, &batch, count) == (long)count);
  expect_received(count, capacity, slot_bytes);
}

/* Offsets, lengths and endpoints as they come; an arena of just that size, so that a byte too far is noticed. */
static void send_anything(struct fuzz_input *input) {
  size_t arena_bytes = fuzz_u16(input);
  size_t count = 1 + fuzz_u8(input) % 16;
  bool sane = (fuzz_u8(input) & 3) != 0;
  uint8_t *arena = calloc(1, arena_bytes);
  struct batch batch = batch_of(&in, DATAGRAMS, SLOT_BYTES);
  struct batch back = batch_of(&out, DATAGRAMS, SLOT_BYTES);
  FUZZ_EXPECT(arena != NULL);
  batch.arena = arena;
  batch.arena_bytes = arena_bytes;
  for (size_t i = 0; i < count; i++) {
    in.offsets[i] = sane ? fuzz_below(input, (uint32_t)arena_bytes + 1) : fuzz_u32(input);
    /* Else a sum that goes round, too. */
    in.lengths[i] = sane ? fuzz_below(input, (uint32_t)arena_bytes + 1 - in.offsets[i]) : fuzz_u16(input) - in.offsets[i];
    fuzz_bytes(input, in.endpoints + i * ENDPOINT_BYTES, ENDPOINT_BYTES);
    in.endpoints[i * ENDPOINT_BYTES] &= 3;
  }
  uint64_t before = udp.sent + udp.send_failed + udp.send_dropped;
  bool holds = true;
  for (size_t i = 0; i < count; i++) holds = holds && (uint64_t)in.offsets[i] + in.lengths[i] <= arena_bytes;
  long sent = udp_send(&udp, &batch, count);
  FUZZ_EXPECT(holds ? sent >= 0 && (size_t)sent <= count : sent == -ERANGE);
  FUZZ_EXPECT(udp.sent + udp.send_failed + udp.send_dropped == before + (holds ? count : 0));
  /* Some may have been meant for here. */
  while (udp_receive(&udp, &back) > 0) continue;
  free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  struct fuzz_input input = {.bytes = bytes, .left = count};
  open_sockets();
  if ((fuzz_u8(&input) & 1) != 0) send_anything(&input);
  else send_and_receive(&input);
  return 0;
}
