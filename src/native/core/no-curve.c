/*
 * Stands in for curve.c where libsecp256k1 was not there at build time. curve_new() says so, the daemon then uses its
 * TypeScript curve, and the rest only satisfies the linker.
 */
#include "curve.h"

#include <stddef.h>

#define UNUSED __attribute__((unused))
typedef const struct curve *curve_arg;
typedef const uint8_t *bytes;

struct curve *curve_new(void) { return NULL; }
void curve_free(UNUSED struct curve *c) {}
int curve_is_secret(UNUSED curve_arg c, UNUSED bytes s) { return 0; }
int curve_is_point(UNUSED curve_arg c, UNUSED bytes p) { return 0; }
int curve_public_key(UNUSED curve_arg c, UNUSED uint8_t *out, UNUSED bytes s) { return 0; }
int curve_ecdh(UNUSED curve_arg c, UNUSED uint8_t *out, UNUSED bytes s, UNUSED bytes p) { return 0; }
int curve_multiply(UNUSED curve_arg c, UNUSED uint8_t *out, UNUSED bytes p, UNUSED bytes s) { return 0; }
int curve_sign(UNUSED curve_arg c, UNUSED uint8_t *out, UNUSED bytes s, UNUSED bytes d, UNUSED bytes a) { return 0; }
int curve_verify(UNUSED curve_arg c, UNUSED bytes p, UNUSED bytes d, UNUSED bytes s) { return 0; }
