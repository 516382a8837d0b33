/*
 * Batches of right and wrong jobs, to a socket and to none, handed to the thread that seals and sends while keys come and go and the caller writes into the
 * batch whose turn it is. What was taken is sent, once, sealed by the key that its slot had then; what was refused is not.
 */
#include <arpa/inet.h>

#include "core/dispatch.h"
#include "fuzz_input.h"

#define DATAGRAMS 32
#define DATAGRAM_BYTES 128
#define HEADER_BYTES 16
#define ARENA_BYTES (DATAGRAMS * DATAGRAM_BYTES)
#define BATCHES 24

static struct udp sender, receiver;
static struct dispatch_batch ring[DISPATCH_BATCHES];
static struct batch into;
static struct aead *aead;
static struct dispatch *dispatch;
static uint8_t here[ENDPOINT_BYTES] = {0, 4};
static size_t turn;
/* Of this input: then nothing is known of what stands in a datagram. */
static bool job_spoilt;

static struct batch new_batch(void) {
  return (struct batch){.arena = calloc(1, ARENA_BYTES),
                        .arena_bytes = ARENA_BYTES,
                        .offsets = calloc(DATAGRAMS, sizeof(uint32_t)),
                        .lengths = calloc(DATAGRAMS, sizeof(uint32_t)),
                        .endpoints = calloc(DATAGRAMS, ENDPOINT_BYTES),
                        .capacity = DATAGRAMS};
}

static void begin(void) {
  char text[UDP_ADDRESS_TEXT_BYTES];
  uint16_t port;
  if (dispatch != NULL) return;
  FUZZ_EXPECT(udp_bind(&sender, "127.0.0.1", 0) == 0 && udp_bind(&receiver, "127.0.0.1", 0) == 0);
  FUZZ_EXPECT(udp_local(&receiver, 0, text, &port) == 0);
  here[2] = (uint8_t)(port >> 8);
  here[3] = (uint8_t)port;
  FUZZ_EXPECT(inet_pton(AF_INET, "127.0.0.1", here + 4) == 1);
  for (size_t i = 0; i < DISPATCH_BATCHES; i++) {
    ring[i].batch = new_batch();
    ring[i].jobs = calloc(DATAGRAMS * AEAD_JOB_WORDS, sizeof(uint32_t));
    ring[i].job_capacity = DATAGRAMS;
  }
  into = new_batch();
  aead = aead_new();
  dispatch = dispatch_new(&sender, ring);
  FUZZ_EXPECT(dispatch != NULL);
}

/* Datagrams that name the key's first byte in their header, so that the receiver knows it. */
static void fill(struct fuzz_input *input, size_t count, uint32_t slot, uint8_t key_byte) {
  struct dispatch_batch *filled = &ring[turn % DISPATCH_BATCHES];
  for (size_t i = 0; i < count; i++) {
    uint32_t at = (uint32_t)i * DATAGRAM_BYTES;
    uint32_t *words = filled->jobs + i * AEAD_JOB_WORDS;
    filled->batch.offsets[i] = at;
    filled->batch.lengths[i] = DATAGRAM_BYTES;
    memcpy(filled->batch.endpoints + i * ENDPOINT_BYTES, here, ENDPOINT_BYTES);
    memset(filled->batch.arena + at, key_byte, DATAGRAM_BYTES);
    words[0] = slot;
    words[1] = words[2] = 0;
    words[3] = at;
    words[4] = HEADER_BYTES;
    words[5] = DATAGRAM_BYTES - HEADER_BYTES - AEAD_TAG_BYTES;
  }
  uint8_t spoilt = fuzz_u8(input);
  if (count == 0 || spoilt > 60) return;
  size_t one = fuzz_below(input, (uint32_t)count);
  if (spoilt < 20) {
    filled->jobs[one * AEAD_JOB_WORDS + fuzz_below(input, 6)] = fuzz_u32(input);
    job_spoilt = true;
  } else if (spoilt < 40) filled->batch.endpoints[one * ENDPOINT_BYTES + fuzz_below(input, 2)] = fuzz_u8(input);
  else filled->batch.lengths[one] = fuzz_u32(input);
}

static void expect_sealed(const uint8_t *datagram, size_t length) {
  uint8_t key[AEAD_KEY_BYTES], copy[DATAGRAM_BYTES];
  uint32_t words[AEAD_JOB_WORDS] = {0, 0, 0, 0, HEADER_BYTES, DATAGRAM_BYTES - HEADER_BYTES - AEAD_TAG_BYTES};
  if (length != DATAGRAM_BYTES || job_spoilt) return;
  memset(key, datagram[0], sizeof key);
  memcpy(copy, datagram, sizeof copy);
  long slot = aead_add_key(aead, key);
  FUZZ_EXPECT(slot >= 0);
  words[0] = (uint32_t)slot;
  FUZZ_EXPECT(aead_open(aead, copy, sizeof copy, words, 1) == 0 && aead_remove_key(aead, words[0]) == 0);
  FUZZ_EXPECT(words[6] == AEAD_JOB_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  struct fuzz_input input = {bytes, size};
  uint64_t given = 0, handled = 0;
  begin();
  job_spoilt = false;
  uint64_t before = sender.sent + sender.send_dropped + sender.send_failed;
  for (size_t round = 0; round < BATCHES && input.left > 0; round++) {
    uint8_t key[AEAD_KEY_BYTES];
    memset(key, fuzz_u8(&input), sizeof key);
    long slot = aead_add_key(aead, key);
    FUZZ_EXPECT(slot >= 0);
    size_t count = fuzz_below(&input, DATAGRAMS + 1);
    fill(&input, count, (uint32_t)slot, key[0]);
    int result = dispatch_send(dispatch, aead, count, count);
    if (result == DISPATCH_SENT || result == DISPATCH_POSTED) given += count;
    if (result == DISPATCH_POSTED) turn++;
    FUZZ_EXPECT(aead_remove_key(aead, (uint32_t)slot) == 0);
  }
  dispatch_settle(dispatch);
  handled = sender.sent + sender.send_dropped + sender.send_failed - before;
  FUZZ_EXPECT(handled == given);
  for (long got = udp_receive(&receiver, &into); got > 0; got = udp_receive(&receiver, &into)) {
    for (long i = 0; i < got; i++) expect_sealed(into.arena + into.offsets[i], into.lengths[i]);
  }
  return 0;
}
