#include "chacha20_poly1305.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define KEY_WORDS 8
#define COUNTER_WORDS 4
#define CHACHA_BLOCK_BYTES 64
#define POLY_BLOCK_BYTES 16
#define TAG_BYTES 16
/* Poly1305's assembly wants no more. */
#define STATE_ALIGNMENT 64

/* OpenSSL's include/crypto/chacha.h and poly1305.h, the same since 1.1.0. Weak: NULL where the program has them not. */
#pragma weak ChaCha20_ctr32
#pragma weak Poly1305_ctx_size
#pragma weak Poly1305_Init
#pragma weak Poly1305_Update
#pragma weak Poly1305_Final
void ChaCha20_ctr32(uint8_t *out, const uint8_t *in, size_t bytes, const uint32_t key[KEY_WORDS], const uint32_t counter[COUNTER_WORDS]);
size_t Poly1305_ctx_size(void);
void Poly1305_Init(void *state, const uint8_t key[32]);
void Poly1305_Update(void *state, const uint8_t *bytes, size_t count);
void Poly1305_Final(void *state, uint8_t tag[TAG_BYTES]);

struct chacha20_poly1305 {
  void *poly;
  size_t poly_bytes;
};

/* A key and a nonce as ChaCha20 takes them. */
struct stream {
  uint32_t key[KEY_WORDS];
  uint32_t counter[COUNTER_WORDS];
};

static bool is_here(void) {
  return ChaCha20_ctr32 != NULL && Poly1305_ctx_size != NULL && Poly1305_Init != NULL && Poly1305_Update != NULL &&
         Poly1305_Final != NULL;
}

struct chacha20_poly1305 *chacha20_poly1305_new(void) {
  if (!is_here()) return NULL;
  struct chacha20_poly1305 *cipher = malloc(sizeof *cipher);
  if (cipher == NULL) return NULL;
  size_t blocks = (Poly1305_ctx_size() + STATE_ALIGNMENT - 1) / STATE_ALIGNMENT;
  cipher->poly_bytes = blocks * STATE_ALIGNMENT;
  cipher->poly = aligned_alloc(STATE_ALIGNMENT, cipher->poly_bytes);
  if (cipher->poly != NULL) return cipher;
  free(cipher);
  return NULL;
}

void chacha20_poly1305_free(struct chacha20_poly1305 *cipher) {
  if (cipher == NULL) return;
  OPENSSL_cleanse(cipher->poly, cipher->poly_bytes);
  free(cipher->poly);
  free(cipher);
}

static uint32_t load32(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void store64(uint8_t *bytes, uint64_t value) {
  for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(value >> (8 * i));
}

static void stream_init(struct stream *stream, const uint8_t key[32], const uint8_t nonce[12]) {
  for (int i = 0; i < KEY_WORDS; i++) stream->key[i] = load32(key + 4 * i);
  for (int i = 0; i < 3; i++) stream->counter[1 + i] = load32(nonce + 4 * i);
}

/* Section 2.6: the first half of block 0 is the one-time key. */
static void begin_tag(struct chacha20_poly1305 *cipher, struct stream *stream) {
  static const uint8_t zeros[CHACHA_BLOCK_BYTES];
  uint8_t block[CHACHA_BLOCK_BYTES];
  stream->counter[0] = 0;
  ChaCha20_ctr32(block, zeros, sizeof block, stream->key, stream->counter);
  Poly1305_Init(cipher->poly, block);
  OPENSSL_cleanse(block, sizeof block);
}

/* With zeros up to a whole block. */
static void add_padded(struct chacha20_poly1305 *cipher, const uint8_t *bytes, size_t count) {
  static const uint8_t zeros[POLY_BLOCK_BYTES];
  Poly1305_Update(cipher->poly, bytes, count);
  if (count % POLY_BLOCK_BYTES != 0) Poly1305_Update(cipher->poly, zeros, POLY_BLOCK_BYTES - count % POLY_BLOCK_BYTES);
}

static void make_tag(struct chacha20_poly1305 *cipher, struct stream *stream, const struct sealed_text *sealed, uint8_t tag[TAG_BYTES]) {
  uint8_t lengths[POLY_BLOCK_BYTES];
  begin_tag(cipher, stream);
  add_padded(cipher, sealed->associated, sealed->associated_bytes);
  add_padded(cipher, sealed->text, sealed->text_bytes);
  store64(lengths, sealed->associated_bytes);
  store64(lengths + 8, sealed->text_bytes);
  Poly1305_Update(cipher->poly, lengths, sizeof lengths);
  Poly1305_Final(cipher->poly, tag);
}

static void apply(struct stream *stream, const struct sealed_text *sealed) {
  stream->counter[0] = 1;
  if (sealed->text_bytes > 0) ChaCha20_ctr32(sealed->text, sealed->text, sealed->text_bytes, stream->key, stream->counter);
}

void chacha20_poly1305_seal(struct chacha20_poly1305 *cipher, const uint8_t key[32], const struct sealed_text *sealed) {
  struct stream stream;
  stream_init(&stream, key, sealed->nonce);
  apply(&stream, sealed);
  make_tag(cipher, &stream, sealed, sealed->tag);
  OPENSSL_cleanse(&stream, sizeof stream);
}

bool chacha20_poly1305_open(struct chacha20_poly1305 *cipher, const uint8_t key[32], const struct sealed_text *sealed) {
  struct stream stream;
  uint8_t tag[TAG_BYTES];
  stream_init(&stream, key, sealed->nonce);
  make_tag(cipher, &stream, sealed, tag);
  bool right = CRYPTO_memcmp(tag, sealed->tag, sizeof tag) == 0;
  if (right) apply(&stream, sealed);
  OPENSSL_cleanse(&stream, sizeof stream);
  return right;
}
