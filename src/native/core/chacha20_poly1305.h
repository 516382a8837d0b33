/*
 * ChaCha20-Poly1305 (RFC 8439 section 2.8) put together from the ChaCha20 and the Poly1305 of the OpenSSL that the Node binary holds, which
 * exports both. Through EVP the same work takes 0.4 us more a packet, which is two fifths of what a full packet takes here (`bench offload`).
 *
 * They are no part of OpenSSL's interface: a Node that is linked with the system's libcrypto does not have them, and a version to come may not. Whoever uses this
 * has EVP to fall back on, and compares the two first (aead.c).
 */
#ifndef SKYWIRE_CHACHA20_POLY1305_H
#define SKYWIRE_CHACHA20_POLY1305_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for one Poly1305 at a time. */
struct chacha20_poly1305;

/*
 * What is to be sealed or opened in place: `associated_bytes` of associated data, `text_bytes` of text, 16 bytes of tag, one behind the other.
 * `before`: bytes of the same buffer in front of them, which are the same again afterwards.
 */
struct sealed_text {
  uint8_t nonce[12];
  uint8_t *associated;
  size_t before;
  size_t associated_bytes;
  size_t text_bytes;
};

static inline uint8_t *text_of(const struct sealed_text *sealed) { return sealed->associated + sealed->associated_bytes; }
static inline uint8_t *tag_of(const struct sealed_text *sealed) { return text_of(sealed) + sealed->text_bytes; }

/* NULL when the program has no such functions, or there is no memory. */
struct chacha20_poly1305 *chacha20_poly1305_new(void);
void chacha20_poly1305_free(struct chacha20_poly1305 *cipher);

void chacha20_poly1305_seal(struct chacha20_poly1305 *cipher, const uint8_t key[32], const struct sealed_text *sealed);
/* False, and nothing changed, when the tag is wrong. */
bool chacha20_poly1305_open(struct chacha20_poly1305 *cipher, const uint8_t key[32], const struct sealed_text *sealed);

#endif
