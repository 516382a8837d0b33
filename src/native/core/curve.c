#include "curve.h"

#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/*
 * Debian builds the static library for programs, not for shared objects: its error printers (which never run, see
 * ignore_illegal) reach the C library's stderr by an address that must lie in this object. This is it. <stdio.h>, which
 * declares the real one, stays out of this file.
 */
__attribute__((visibility("hidden"))) void *stderr;

struct curve {
  secp256k1_context *context;
};

/* The library's default prints and aborts, which would end the daemon. All that it complains of is checked here before. */
static void ignore_illegal(const char *message, void *data) {
  (void)message;
  (void)data;
}

struct curve *curve_new(void) {
  uint8_t seed[32];
  struct curve *curve = calloc(1, sizeof *curve);
  if (curve == NULL) return NULL;
  curve->context = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
  secp256k1_context_set_illegal_callback(curve->context, ignore_illegal, NULL);
  /* Blinding against side channels; results don't depend on it, so going without on a kernel without entropy is right. */
  if (getrandom(seed, sizeof seed, GRND_NONBLOCK) == sizeof seed) {
    (void)!secp256k1_context_randomize(curve->context, seed);
  }
  explicit_bzero(seed, sizeof seed);
  return curve;
}

void curve_free(struct curve *curve) {
  secp256k1_context_destroy(curve->context);
  free(curve);
}

static int parse(const struct curve *curve, secp256k1_pubkey *key, const uint8_t *point) {
  return secp256k1_ec_pubkey_parse(curve->context, key, point, CURVE_POINT_BYTES);
}

static int serialize(const struct curve *curve, uint8_t *point, const secp256k1_pubkey *key) {
  size_t length = CURVE_POINT_BYTES;
  return secp256k1_ec_pubkey_serialize(curve->context, point, &length, key, SECP256K1_EC_COMPRESSED);
}

int curve_is_secret(const struct curve *curve, const uint8_t *secret) {
  return secp256k1_ec_seckey_verify(curve->context, secret);
}

int curve_is_point(const struct curve *curve, const uint8_t *point) {
  secp256k1_pubkey key;
  return parse(curve, &key, point);
}

int curve_public_key(const struct curve *curve, uint8_t *point, const uint8_t *secret) {
  secp256k1_pubkey key;
  if (!secp256k1_ec_pubkey_create(curve->context, &key, secret)) return 0;
  return serialize(curve, point, &key);
}

int curve_ecdh(const struct curve *curve, uint8_t *shared, const uint8_t *secret, const uint8_t *point) {
  secp256k1_pubkey key;
  if (!parse(curve, &key, point)) return 0;
  return secp256k1_ecdh(curve->context, shared, &key, secret, NULL, NULL);
}

/* The whole product, as a hash function for secp256k1_ecdh, whose multiplication is constant in time. */
static int copy_point(unsigned char *out, const unsigned char *x, const unsigned char *y, void *data) {
  (void)data;
  out[0] = (uint8_t)(2 | (y[31] & 1));
  memcpy(out + 1, x, 32);
  return 1;
}

int curve_multiply(const struct curve *curve, uint8_t *product, const uint8_t *point, const uint8_t *scalar) {
  secp256k1_pubkey key;
  if (!parse(curve, &key, point)) return 0;
  return secp256k1_ecdh(curve->context, product, &key, scalar, copy_point, NULL);
}

int curve_sign(const struct curve *curve, uint8_t *signature, const uint8_t *secret, const uint8_t *digest,
               const uint8_t *auxiliary) {
  secp256k1_keypair pair;
  if (!secp256k1_keypair_create(curve->context, &pair, secret)) return 0;
  int done = secp256k1_schnorrsig_sign32(curve->context, signature, digest, &pair, auxiliary);
  explicit_bzero(&pair, sizeof pair);
  return done;
}

int curve_verify(const struct curve *curve, const uint8_t *point, const uint8_t *digest, const uint8_t *signature) {
  secp256k1_pubkey key;
  secp256k1_xonly_pubkey x_only;
  if (!parse(curve, &key, point)) return 0;
  if (!secp256k1_xonly_pubkey_from_pubkey(curve->context, &x_only, NULL, &key)) return 0;
  return secp256k1_schnorrsig_verify(curve->context, signature, digest, CURVE_DIGEST_BYTES, &x_only);
}
