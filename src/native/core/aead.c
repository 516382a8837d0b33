#include "aead.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "chacha20_poly1305.h"

#define FIRST_SLOTS 64
/* A session datagram's header, and texts of 0, 1, 2, 3, 4, 7, 8 ... 2048. */
#define COMPARED_HEADER_BYTES 16
#define COMPARED_TEXT_BYTES 2048
#define COMPARED_BEFORE_BYTES 48
#define COMPARED_BYTES (COMPARED_BEFORE_BYTES + COMPARED_HEADER_BYTES + COMPARED_TEXT_BYTES + AEAD_TAG_BYTES)
#define NO_SLOT UINT32_MAX

struct slot {
  uint8_t key[AEAD_KEY_BYTES];
  uint32_t next_free;
  bool used;
};

/* One direction: OpenSSL's context and the slot whose key it holds now. */
struct direction {
  EVP_CIPHER_CTX *context;
  uint32_t slot;
};

struct aead {
  /* NULL: EVP does the work. */
  struct chacha20_poly1305 *direct;
  struct direction sealing;
  struct direction opening;
  struct slot *slots;
  size_t slot_count;
  uint32_t first_free;
};

/* A job's words, decoded and checked; lengths fit an int. */
struct job {
  uint32_t slot; /* NO_SLOT: the key is of no slot here */
  const uint8_t *key;
  struct sealed_text sealed;
};

static bool direction_init(struct direction *direction, int sealing) {
  direction->slot = NO_SLOT;
  direction->context = EVP_CIPHER_CTX_new();
  if (direction->context == NULL) return false;
  return EVP_CipherInit_ex(direction->context, EVP_chacha20_poly1305(), NULL, NULL, NULL, sealing) == 1;
}

/* Loads the key only when the context holds another one: neighbours in a batch mostly share it. */
static bool begin(struct direction *direction, const struct job *job) {
  const uint8_t *key = job->slot != NO_SLOT && direction->slot == job->slot ? NULL : job->key;
  direction->slot = job->slot;
  return EVP_CipherInit_ex(direction->context, NULL, NULL, key, job->sealed.nonce, -1) == 1;
}

static bool update(EVP_CIPHER_CTX *context, const struct sealed_text *sealed) {
  int written;
  if (EVP_CipherUpdate(context, NULL, &written, sealed->associated, (int)sealed->associated_bytes) != 1) return false;
  uint8_t *text = text_of(sealed);
  return EVP_CipherUpdate(context, text, &written, text, (int)sealed->text_bytes) == 1;
}

/* False when OpenSSL failed. */
static bool evp_seal(struct aead *aead, const struct job *job) {
  EVP_CIPHER_CTX *context = aead->sealing.context;
  uint8_t none[AEAD_TAG_BYTES];
  int written;
  if (!begin(&aead->sealing, job) || !update(context, &job->sealed)) return false;
  if (EVP_CipherFinal_ex(context, none, &written) != 1) return false;
  return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_BYTES, tag_of(&job->sealed)) == 1;
}

static bool evp_open(struct aead *aead, const struct job *job, bool *right) {
  EVP_CIPHER_CTX *context = aead->opening.context;
  uint8_t none[AEAD_TAG_BYTES];
  int written;
  if (!begin(&aead->opening, job)) return false;
  if (EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_BYTES, tag_of(&job->sealed)) != 1) return false;
  if (!update(context, &job->sealed)) return false;
  *right = EVP_CipherFinal_ex(context, none, &written) == 1;
  return true;
}

/* The context keeps a copy of the last key: load zeros over the copy of one that is being removed. */
static void forget(struct direction *direction, uint32_t slot) {
  static const uint8_t zeros[AEAD_KEY_BYTES];
  if (direction->slot != slot) return;
  direction->slot = NO_SLOT;
  (void)EVP_CipherInit_ex(direction->context, NULL, NULL, zeros, zeros, -1);
}

/* Both seal the job in buffers alike, with the same outcome, and what they gave is opened. */
static bool gives_the_same(struct aead *aead, uint32_t words[AEAD_JOB_WORDS]) {
  struct chacha20_poly1305 *direct = aead->direct;
  uint8_t by_evp[COMPARED_BYTES];
  uint8_t by_direct[COMPARED_BYTES];
  memset(by_evp, 0x5c, sizeof by_evp);
  memcpy(by_direct, by_evp, sizeof by_evp);
  aead->direct = NULL;
  bool same = aead_seal(aead, by_evp, sizeof by_evp, words, 1) == 0;
  aead->direct = direct;
  same = same && aead_seal(aead, by_direct, sizeof by_direct, words, 1) == 0 && memcmp(by_evp, by_direct, sizeof by_evp) == 0;
  return same && aead_open(aead, by_direct, sizeof by_direct, words, 1) == 0 && words[6] == AEAD_JOB_OK;
}

/*
 * Whether both give the same for texts of no byte to a full packet's, in whole blocks and not, with room before them and without: what is tried
 * here is no part of OpenSSL's interface.
 */
static bool gives_what_evp_gives(struct aead *aead) {
  static const uint8_t key[AEAD_KEY_BYTES] = {1, 2, 3};
  long slot = aead_add_key(aead, key);
  bool same = slot >= 0;
  for (uint32_t bytes = 1; same && bytes <= COMPARED_TEXT_BYTES; bytes *= 2) {
    for (uint32_t less = 0; same && less < 2; less++) {
      uint32_t words[AEAD_JOB_WORDS] = {(uint32_t)slot, bytes, ~bytes, 0, COMPARED_HEADER_BYTES, bytes - less};
      same = gives_the_same(aead, words);
      words[3] = COMPARED_BEFORE_BYTES;
      same = same && gives_the_same(aead, words);
    }
  }
  if (slot >= 0) (void)aead_remove_key(aead, (uint32_t)slot);
  return same;
}

struct aead *aead_new(void) {
  struct aead *aead = calloc(1, sizeof *aead);
  if (aead == NULL) return NULL;
  aead->first_free = NO_SLOT;
  if (!direction_init(&aead->sealing, 1) || !direction_init(&aead->opening, 0)) {
    aead_free(aead);
    return NULL;
  }
  aead->direct = chacha20_poly1305_new();
  if (aead->direct != NULL && !gives_what_evp_gives(aead)) aead_use_evp(aead);
  return aead;
}

void aead_use_evp(struct aead *aead) {
  chacha20_poly1305_free(aead->direct);
  aead->direct = NULL;
}

void aead_free(struct aead *aead) {
  chacha20_poly1305_free(aead->direct);
  EVP_CIPHER_CTX_free(aead->sealing.context);
  EVP_CIPHER_CTX_free(aead->opening.context);
  if (aead->slots != NULL) OPENSSL_cleanse(aead->slots, aead->slot_count * sizeof *aead->slots);
  free(aead->slots);
  free(aead);
}

/* Not realloc: it would leave the old keys behind in freed memory. */
static int grow(struct aead *aead) {
  size_t old_count = aead->slot_count;
  size_t new_count = old_count == 0 ? FIRST_SLOTS : old_count * 2;
  if (new_count > AEAD_MAX_KEYS) return -ENOSPC;
  struct slot *slots = calloc(new_count, sizeof *slots);
  if (slots == NULL) return -ENOMEM;
  if (old_count > 0) {
    memcpy(slots, aead->slots, old_count * sizeof *slots);
    OPENSSL_cleanse(aead->slots, old_count * sizeof *slots);
    free(aead->slots);
  }
  for (size_t i = old_count; i < new_count; i++) slots[i].next_free = i + 1 < new_count ? (uint32_t)(i + 1) : NO_SLOT;
  aead->first_free = (uint32_t)old_count;
  aead->slots = slots;
  aead->slot_count = new_count;
  return 0;
}

long aead_add_key(struct aead *aead, const uint8_t key[AEAD_KEY_BYTES]) {
  if (aead->first_free == NO_SLOT) {
    int result = grow(aead);
    if (result < 0) return result;
  }
  uint32_t index = aead->first_free;
  struct slot *slot = &aead->slots[index];
  aead->first_free = slot->next_free;
  slot->used = true;
  memcpy(slot->key, key, AEAD_KEY_BYTES);
  return (long)index;
}

int aead_remove_key(struct aead *aead, uint32_t index) {
  if (index >= aead->slot_count || !aead->slots[index].used) return -EINVAL;
  struct slot *slot = &aead->slots[index];
  OPENSSL_cleanse(slot->key, sizeof slot->key);
  forget(&aead->sealing, index);
  forget(&aead->opening, index);
  slot->used = false;
  slot->next_free = aead->first_free;
  aead->first_free = index;
  return 0;
}

const uint8_t *aead_key(const struct aead *aead, uint32_t index) {
  return index < aead->slot_count && aead->slots[index].used ? aead->slots[index].key : NULL;
}

static bool lies_within(const uint32_t *words, size_t arena_bytes) {
  uint64_t end = (uint64_t)words[3] + words[4] + words[5] + AEAD_TAG_BYTES;
  return end <= arena_bytes && words[4] <= INT_MAX && words[5] <= INT_MAX;
}

/* `key`: NULL for the one that the job names. False when the job reaches outside the arena or names no key. */
static bool read_job(const struct aead *aead, const uint8_t *key, const uint32_t *words, uint8_t *arena, size_t arena_bytes,
                     struct job *job) {
  if (!lies_within(words, arena_bytes)) return false;
  struct sealed_text *sealed = &job->sealed;
  job->slot = key == NULL ? words[0] : NO_SLOT;
  job->key = key == NULL ? aead_key(aead, words[0]) : key;
  if (job->key == NULL) return false;
  memset(sealed->nonce, 0, 4);
  for (int i = 0; i < 4; i++) {
    sealed->nonce[4 + i] = (uint8_t)(words[2] >> (8 * i));
    sealed->nonce[8 + i] = (uint8_t)(words[1] >> (8 * i));
  }
  sealed->associated = arena + words[3];
  sealed->before = words[3];
  sealed->associated_bytes = words[4];
  sealed->text_bytes = words[5];
  return true;
}

static int seal_job(struct aead *aead, const uint8_t *key, uint8_t *arena, size_t arena_bytes, uint32_t *words) {
  struct job job;
  if (!read_job(aead, key, words, arena, arena_bytes, &job)) return -ERANGE;
  if (aead->direct != NULL) chacha20_poly1305_seal(aead->direct, job.key, &job.sealed);
  else if (!evp_seal(aead, &job)) return -EIO;
  words[6] = AEAD_JOB_OK;
  return 0;
}

int aead_seal(struct aead *aead, uint8_t *arena, size_t arena_bytes, uint32_t *jobs, size_t count) {
  return aead_seal_by(aead, NULL, arena, arena_bytes, jobs, count);
}

int aead_seal_by(struct aead *aead, uint8_t (*keys)[AEAD_KEY_BYTES], uint8_t *arena, size_t arena_bytes, uint32_t *jobs, size_t count) {
  int error = 0;
  for (size_t i = 0; i < count && error == 0; i++) error = seal_job(aead, keys == NULL ? NULL : keys[i], arena, arena_bytes, jobs + i * AEAD_JOB_WORDS);
  return error;
}

bool aead_take_keys(const struct aead *aead, size_t arena_bytes, const uint32_t *jobs, size_t count, uint8_t (*keys)[AEAD_KEY_BYTES]) {
  for (size_t i = 0; i < count; i++) {
    const uint32_t *words = jobs + i * AEAD_JOB_WORDS;
    const uint8_t *key = aead_key(aead, words[0]);
    if (key == NULL || !lies_within(words, arena_bytes)) return false;
    memcpy(keys[i], key, AEAD_KEY_BYTES);
  }
  return true;
}

int aead_open(struct aead *aead, uint8_t *arena, size_t arena_bytes, uint32_t *jobs, size_t count) {
  bool any_wrong = false;
  for (size_t i = 0; i < count; i++) {
    uint32_t *words = jobs + i * AEAD_JOB_WORDS;
    struct job job;
    bool right;
    if (!read_job(aead, NULL, words, arena, arena_bytes, &job)) return -ERANGE;
    if (aead->direct != NULL) right = chacha20_poly1305_open(aead->direct, job.key, &job.sealed);
    else if (!evp_open(aead, &job, &right)) return -EIO;
    words[6] = right ? AEAD_JOB_OK : AEAD_JOB_BAD_TAG;
    /* EVP decrypts before it knows the tag: nobody gets to see it. */
    if (!right) OPENSSL_cleanse(text_of(&job.sealed), job.sealed.text_bytes);
    any_wrong |= !right;
  }
  /* A wrong tag leaves an entry in this thread's error queue, where the next user of node:crypto would find it. */
  if (any_wrong) ERR_clear_error();
  return 0;
}
