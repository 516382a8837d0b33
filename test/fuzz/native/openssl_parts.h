/*
 * The parts of OpenSSL that chacha20_poly1305.c is put together from, out of this machine's libcrypto, which does not export them: the fuzzer
 * tries what is built on them, not them.
 */
#ifndef SKYWIRE_OPENSSL_PARTS_H
#define SKYWIRE_OPENSSL_PARTS_H

#include <openssl/evp.h>
#include <openssl/params.h>

#include "fuzz_input.h"

/* Calls so far: whoever took the other way would not try anything. */
static uint64_t parts_used;

void ChaCha20_ctr32(uint8_t *out, const uint8_t *in, size_t bytes, const uint32_t key[8], const uint32_t counter[4]) {
  static EVP_CIPHER_CTX *context;
  int written;
  if (context == NULL) context = EVP_CIPHER_CTX_new();
  parts_used++;
  FUZZ_EXPECT(EVP_EncryptInit_ex(context, EVP_chacha20(), NULL, (const uint8_t *)key, (const uint8_t *)counter) == 1);
  FUZZ_EXPECT(EVP_EncryptUpdate(context, out, &written, in, (int)bytes) == 1 && (size_t)written == bytes);
}

struct poly {
  EVP_MAC_CTX *context;
};

size_t Poly1305_ctx_size(void) { return sizeof(struct poly); }

void Poly1305_Init(void *state, const uint8_t key[32]) {
  static EVP_MAC_CTX *context;
  if (context == NULL) {
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "POLY1305", NULL);
    context = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
  }
  FUZZ_EXPECT(EVP_MAC_init(context, key, 32, NULL) == 1);
  *(struct poly *)state = (struct poly){.context = context};
}

void Poly1305_Update(void *state, const uint8_t *bytes, size_t count) {
  FUZZ_EXPECT(EVP_MAC_update(((struct poly *)state)->context, bytes, count) == 1);
}

void Poly1305_Final(void *state, uint8_t tag[16]) {
  size_t written;
  FUZZ_EXPECT(EVP_MAC_final(((struct poly *)state)->context, tag, &written, 16) == 1 && written == 16);
}

#endif
