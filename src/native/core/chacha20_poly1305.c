#include "chacha20_poly1305.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define KEY_WORDS 8
#define COUNTER_WORDS 4
#define CHACHA_BLOCK_BYTES 64
#define POLY_BLOCK_BYTES 16
#define POLY_KEY_BYTES 32
#define TAG_BYTES 16
/* Poly1305's assembly wants no more. */
#define STATE_ALIGNMENT 64
/* A text of no more is opened into the side: a packet. Copied back it costs less than block 0 by itself. */
#define ASIDE_BYTES 2048

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
  uint8_t aside[CHACHA_BLOCK_BYTES + ASIDE_BYTES];
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
  OPENSSL_cleanse(cipher->aside, sizeof cipher->aside);
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

static void chacha(struct stream *stream, uint32_t block, uint8_t *out, const uint8_t *in, size_t bytes) {
  stream->counter[0] = block;
  ChaCha20_ctr32(out, in, bytes, stream->key, stream->counter);
}

/* Section 2.6: the first half of block 0 is the one-time key. */
static void key_alone(struct stream *stream, uint8_t key[POLY_KEY_BYTES]) {
  uint8_t block[CHACHA_BLOCK_BYTES] = {0};
  chacha(stream, 0, block, block, sizeof block);
  memcpy(key, block, POLY_KEY_BYTES);
  OPENSSL_cleanse(block, sizeof block);
}

/* Blocks are made several at a time, so block 0 by itself costs as much as several: it is made with the text's where a block lies before the text. */
static bool has_block_before(const struct sealed_text *sealed) {
  return sealed->before + sealed->associated_bytes >= CHACHA_BLOCK_BYTES && sealed->text_bytes > 0;
}

/* What block 0 was added to is known, so block 0 is. */
static void take_key(uint8_t key[POLY_KEY_BYTES], const uint8_t *sum, const uint8_t *known) {
  for (size_t i = 0; i < POLY_KEY_BYTES; i++) key[i] = sum[i] ^ known[i];
}

static void encrypt(struct stream *stream, const struct sealed_text *sealed, uint8_t key[POLY_KEY_BYTES]) {
  uint8_t *text = text_of(sealed);
  if (has_block_before(sealed)) {
    uint8_t kept[CHACHA_BLOCK_BYTES];
    uint8_t *from = text - CHACHA_BLOCK_BYTES;
    memcpy(kept, from, sizeof kept);
    chacha(stream, 0, from, from, CHACHA_BLOCK_BYTES + sealed->text_bytes);
    take_key(key, from, kept);
    memcpy(from, kept, sizeof kept);
    return;
  }
  key_alone(stream, key);
  if (sealed->text_bytes > 0) chacha(stream, 1, text, text, sealed->text_bytes);
}

/* Zeros up to a whole block behind `count` bytes. */
static void pad(struct chacha20_poly1305 *cipher, size_t count) {
  static const uint8_t zeros[POLY_BLOCK_BYTES];
  size_t rest = count % POLY_BLOCK_BYTES;
  if (rest > 0) Poly1305_Update(cipher->poly, zeros, POLY_BLOCK_BYTES - rest);
}

/* Section 2.8. The fewer calls the better: what is whole blocks goes in one. The place of the tag serves for the lengths. */
static void make_tag(struct chacha20_poly1305 *cipher, const uint8_t key[POLY_KEY_BYTES], const struct sealed_text *sealed, uint8_t tag[TAG_BYTES]) {
  size_t associated_bytes = sealed->associated_bytes;
  size_t text_bytes = sealed->text_bytes;
  uint8_t *lengths = tag_of(sealed);
  store64(lengths, associated_bytes);
  store64(lengths + 8, text_bytes);
  Poly1305_Init(cipher->poly, key);
  if (associated_bytes % POLY_BLOCK_BYTES == 0 && text_bytes % POLY_BLOCK_BYTES == 0) {
    Poly1305_Update(cipher->poly, sealed->associated, associated_bytes + text_bytes + TAG_BYTES);
  } else {
    Poly1305_Update(cipher->poly, sealed->associated, associated_bytes);
    pad(cipher, associated_bytes);
    Poly1305_Update(cipher->poly, text_of(sealed), text_bytes);
    pad(cipher, text_bytes);
    Poly1305_Update(cipher->poly, lengths, TAG_BYTES);
  }
  Poly1305_Final(cipher->poly, tag);
}

/* Whether the tag is right; it stays as it came. */
static bool is_right(struct chacha20_poly1305 *cipher, const uint8_t key[POLY_KEY_BYTES], const struct sealed_text *sealed) {
  uint8_t came[TAG_BYTES];
  uint8_t tag[TAG_BYTES];
  memcpy(came, tag_of(sealed), sizeof came);
  make_tag(cipher, key, sealed, tag);
  memcpy(tag_of(sealed), came, sizeof came);
  return CRYPTO_memcmp(tag, came, sizeof tag) == 0;
}

/* The text is decrypted before the tag is known, where nobody sees it. */
static bool open_aside(struct chacha20_poly1305 *cipher, struct stream *stream, const struct sealed_text *sealed) {
  uint8_t key[POLY_KEY_BYTES];
  uint8_t *text = text_of(sealed);
  const uint8_t *from = text - CHACHA_BLOCK_BYTES;
  chacha(stream, 0, cipher->aside, from, CHACHA_BLOCK_BYTES + sealed->text_bytes);
  take_key(key, cipher->aside, from);
  bool right = is_right(cipher, key, sealed);
  if (right) memcpy(text, cipher->aside + CHACHA_BLOCK_BYTES, sealed->text_bytes);
  OPENSSL_cleanse(key, sizeof key);
  return right;
}

static bool open_in_place(struct chacha20_poly1305 *cipher, struct stream *stream, const struct sealed_text *sealed) {
  uint8_t key[POLY_KEY_BYTES];
  uint8_t *text = text_of(sealed);
  key_alone(stream, key);
  bool right = is_right(cipher, key, sealed);
  if (right && sealed->text_bytes > 0) chacha(stream, 1, text, text, sealed->text_bytes);
  OPENSSL_cleanse(key, sizeof key);
  return right;
}

void chacha20_poly1305_seal(struct chacha20_poly1305 *cipher, const uint8_t key[32], const struct sealed_text *sealed) {
  struct stream stream;
  uint8_t poly_key[POLY_KEY_BYTES];
  uint8_t tag[TAG_BYTES];
  stream_init(&stream, key, sealed->nonce);
  encrypt(&stream, sealed, poly_key);
  make_tag(cipher, poly_key, sealed, tag);
  memcpy(tag_of(sealed), tag, sizeof tag);
  OPENSSL_cleanse(poly_key, sizeof poly_key);
  OPENSSL_cleanse(&stream, sizeof stream);
}

bool chacha20_poly1305_open(struct chacha20_poly1305 *cipher, const uint8_t key[32], const struct sealed_text *sealed) {
  struct stream stream;
  stream_init(&stream, key, sealed->nonce);
  bool aside = has_block_before(sealed) && sealed->text_bytes <= ASIDE_BYTES;
  bool right = aside ? open_aside(cipher, &stream, sealed) : open_in_place(cipher, &stream, sealed);
  OPENSSL_cleanse(&stream, sizeof stream);
  return right;
}
