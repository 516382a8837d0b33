/*
 * Any job words over any arena into the cipher: a job outside the arena or without a key is refused and touches nothing; what was
 * sealed is what EVP makes of it, opens again to the same text, and not once a bit has changed, when the text is wiped.
 */
#include <errno.h>

#include "core/aead.h"
#include "fuzz_input.h"
#include "openssl_parts.h"

#define KEYS 4

static struct aead *aead;
static struct aead *by_evp;
static uint32_t slots[KEYS];

static void make_keys(void) {
  uint8_t key[AEAD_KEY_BYTES];
  if (aead != NULL) return;
  aead = aead_new();
  by_evp = aead_new();
  FUZZ_EXPECT(aead != NULL && by_evp != NULL);
  aead_use_evp(by_evp);
  for (uint32_t i = 0; i < KEYS; i++) {
    memset(key, (int)i + 1, sizeof key);
    slots[i] = (uint32_t)aead_add_key(aead, key);
    FUZZ_EXPECT(aead_add_key(by_evp, key) == slots[i]);
  }
}

static bool is_inside(const uint32_t words[AEAD_JOB_WORDS], size_t arena_bytes) {
  return (uint64_t)words[3] + words[4] + words[5] + AEAD_TAG_BYTES <= arena_bytes;
}

/* Words as JavaScript writes them where `sane`, else as they come. */
static void make_job(struct fuzz_input *input, uint32_t words[AEAD_JOB_WORDS], size_t arena_bytes, bool sane) {
  for (int i = 0; i < AEAD_JOB_WORDS; i++) words[i] = fuzz_u32(input);
  if (!sane) return;
  words[0] = slots[words[0] % KEYS];
  words[3] %= (uint32_t)arena_bytes + 1;
  words[4] %= 17;
  words[5] %= (uint32_t)arena_bytes + 1;
  /* As session datagrams are. */
  if ((words[6] & 1) == 0) return;
  words[4] = 16;
  words[5] &= ~15u;
}

static void seal_and_open(uint8_t *arena, size_t arena_bytes, uint32_t words[AEAD_JOB_WORDS], uint8_t *before, uint32_t changed) {
  memcpy(before, arena, arena_bytes);
  uint32_t text = words[3] + words[4];
  FUZZ_EXPECT(aead_seal(by_evp, before, arena_bytes, words, 1) == 0 && words[6] == AEAD_JOB_OK);
  uint64_t used = parts_used;
  FUZZ_EXPECT(aead_seal(aead, arena, arena_bytes, words, 1) == 0 && words[6] == AEAD_JOB_OK && parts_used > used);
  FUZZ_EXPECT(memcmp(arena, before, arena_bytes) == 0);
  FUZZ_EXPECT(aead_open(by_evp, before, arena_bytes, words, 1) == 0 && words[6] == AEAD_JOB_OK);
  FUZZ_EXPECT(memcmp(arena, before, text) == 0);
  if (changed != 0) arena[words[3] + changed % (words[4] + words[5] + AEAD_TAG_BYTES)] ^= (uint8_t)(1 << (changed & 7));
  FUZZ_EXPECT(aead_open(aead, arena, arena_bytes, words, 1) == 0);
  FUZZ_EXPECT(words[6] == (changed == 0 ? AEAD_JOB_OK : AEAD_JOB_BAD_TAG));
  for (uint32_t i = 0; i < words[5]; i++) FUZZ_EXPECT(arena[text + i] == (changed == 0 ? before[text + i] : 0));
  FUZZ_EXPECT(memcmp(arena, before, words[3]) == 0);
  uint32_t end = text + words[5] + AEAD_TAG_BYTES;
  FUZZ_EXPECT(memcmp(arena + end, before + end, arena_bytes - end) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  struct fuzz_input input = {.bytes = bytes, .left = count};
  make_keys();
  size_t arena_bytes = fuzz_below(&input, 4096);
  uint8_t *arena = calloc(1, arena_bytes);
  uint8_t *before = malloc(arena_bytes);
  FUZZ_EXPECT(arena != NULL && before != NULL);
  while (input.left > 0) {
    uint8_t what = fuzz_u8(&input);
    uint32_t words[AEAD_JOB_WORDS];
    make_job(&input, words, arena_bytes, (what & 1) != 0);
    bool good = is_inside(words, arena_bytes) && aead_key(aead, words[0]) != NULL;
    if (good) {
      seal_and_open(arena, arena_bytes, words, before, (what & 2) != 0 ? 1 + what / 4u : 0);
    } else {
      memcpy(before, arena, arena_bytes);
      int result = (what & 2) != 0 ? aead_seal(aead, arena, arena_bytes, words, 1) : aead_open(aead, arena, arena_bytes, words, 1);
      FUZZ_EXPECT(result == -ERANGE && memcmp(arena, before, arena_bytes) == 0);
    }
  }
  free(arena);
  free(before);
  return 0;
}
