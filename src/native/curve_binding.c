/* What the addon has of the curve: see curve_binding.h. */
#include "curve_binding.h"

#include "call.h"

/*
 * Curve: each argument is bytes of one exact length; where there is a result it is written into the first argument. They
 * answer true when there is one, or when the question is answered with yes.
 */

/* Fetches `count` arguments of the given lengths. False with a pending exception when one doesn't fit. */
static bool curve_call(struct call *call, napi_env env, napi_callback_info info, size_t count, const size_t *lengths,
                       uint8_t **bytes) {
  if (!begin_call(call, env, info, count)) return false;
  for (size_t i = 0; i < count; i++) bytes[i] = exact_bytes(call, i, lengths[i]);
  return !call->failed;
}

#define CURVE_FUNCTION(name, count, expression, ...)                                 \
  static napi_value name(napi_env env, napi_callback_info info) {                    \
    static const size_t lengths[] = {__VA_ARGS__};                                   \
    struct call call;                                                                \
    uint8_t *b[count];                                                               \
    if (!curve_call(&call, env, info, count, lengths, b)) return NULL;               \
    const struct curve *curve = call.data;                                   \
    return from_bool(&call, expression);                                             \
  }

#define SECRET CURVE_SECRET_BYTES
#define POINT CURVE_POINT_BYTES
#define DIGEST CURVE_DIGEST_BYTES
#define SIGNATURE CURVE_SIGNATURE_BYTES

CURVE_FUNCTION(js_is_secret, 1, curve_is_secret(curve, b[0]), SECRET)
CURVE_FUNCTION(js_is_point, 1, curve_is_point(curve, b[0]), POINT)
CURVE_FUNCTION(js_public_key, 2, curve_public_key(curve, b[0], b[1]), POINT, SECRET)
CURVE_FUNCTION(js_ecdh, 3, curve_ecdh(curve, b[0], b[1], b[2]), DIGEST, SECRET, POINT)
CURVE_FUNCTION(js_multiply, 3, curve_multiply(curve, b[0], b[1], b[2]), POINT, POINT, SECRET)
CURVE_FUNCTION(js_sign, 4, curve_sign(curve, b[0], b[1], b[2], b[3]), SIGNATURE, SECRET, DIGEST, DIGEST)
CURVE_FUNCTION(js_verify, 3, curve_verify(curve, b[0], b[1], b[2]), POINT, DIGEST, SIGNATURE)

void curve_define(napi_env env, napi_value exports, struct curve *curve) {
  define_function(env, exports, "isSecret", js_is_secret, curve);
  define_function(env, exports, "isPoint", js_is_point, curve);
  define_function(env, exports, "publicKey", js_public_key, curve);
  define_function(env, exports, "ecdh", js_ecdh, curve);
  define_function(env, exports, "multiply", js_multiply, curve);
  define_function(env, exports, "sign", js_sign, curve);
  define_function(env, exports, "verify", js_verify, curve);
}
