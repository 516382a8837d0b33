/*
 * N-API of the offload cipher (core/offload.h). A cipher is an external value that JavaScript holds; it has a software key
 * table of its own, and is freed with the value or by offloadClose. What each function takes is declared in native-offload.ts.
 */
#include "offload_binding.h"

#include <errno.h>
#include <stdlib.h>

#include "call.h"
#include "core/aead.h"
#include "core/offload.h"

#define MAX_NAME 256

struct cipher {
  struct aead *software;
  struct offload *offload; /* NULL after offloadClose */
};

/* The cipher that is the first argument; NULL with an exception when it is none, or closed. */
static struct cipher *cipher_argument(struct call *call) {
  struct cipher *cipher = NULL;
  if (call->failed) return NULL;
  if (napi_get_value_external(call->env, call->arguments[0], (void **)&cipher) == napi_ok && cipher->offload != NULL) return cipher;
  fail_range(call, "not an open offload cipher");
  return NULL;
}

static void close_cipher(struct cipher *cipher) {
  offload_free(cipher->offload);
  if (cipher->software != NULL) aead_free(cipher->software);
  cipher->offload = NULL;
  cipher->software = NULL;
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  close_cipher(data);
  free(data);
}

/* offloadNew(device, leastBatch, checkEvery, selfTestMs, retryMs): the cipher */
static napi_value js_new(napi_env env, napi_callback_info info) {
  struct call call;
  char device[MAX_NAME];
  napi_value external = NULL;
  if (!begin_call(&call, env, info, 5)) return NULL;
  text(&call, 0, device, sizeof device);
  struct offload_options options = {.least_batch = number(&call, 1),
                                    .check_every = number(&call, 2),
                                    .self_test_ms = number(&call, 3),
                                    .retry_ms = number(&call, 4)};
  if (!call.failed && options.check_every == 0) fail_range(&call, "checkEvery is at least 1");
  if (call.failed) return NULL;
  struct cipher *cipher = calloc(1, sizeof *cipher);
  if (cipher != NULL) cipher->software = aead_new();
  if (cipher != NULL && cipher->software != NULL) cipher->offload = offload_new(cipher->software, device, &options);
  if (cipher == NULL || cipher->offload == NULL) {
    if (cipher != NULL) finalize(env, cipher, NULL);
    fail_errno(&call, -ENOMEM);
    return NULL;
  }
  napi_create_external(env, cipher, finalize, NULL, &external);
  return external;
}

static napi_value js_close(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 1)) return NULL;
  struct cipher *cipher = cipher_argument(&call);
  if (!call.failed) close_cipher(cipher);
  return NULL;
}

static napi_value js_add_key(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 2)) return NULL;
  struct cipher *cipher = cipher_argument(&call);
  const uint8_t *key = exact_bytes(&call, 1, AEAD_KEY_BYTES);
  return call.failed ? NULL : from_count(&call, offload_add_key(cipher->offload, key));
}

static napi_value js_remove_key(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 2)) return NULL;
  struct cipher *cipher = cipher_argument(&call);
  uint32_t slot = number(&call, 1);
  return call.failed ? NULL : from_count(&call, offload_remove_key(cipher->offload, slot));
}

static napi_value run(napi_env env, napi_callback_info info, int (*batch)(struct offload *, uint8_t *, size_t, uint32_t *, size_t)) {
  struct call call;
  size_t arena_bytes;
  size_t words;
  if (!begin_call(&call, env, info, 4)) return NULL;
  struct cipher *cipher = cipher_argument(&call);
  uint8_t *arena = typed_array(&call, 1, napi_uint8_array, &arena_bytes);
  uint32_t *jobs = typed_array(&call, 2, napi_uint32_array, &words);
  uint32_t count = number(&call, 3);
  if (!call.failed && count > words / AEAD_JOB_WORDS) fail_range(&call, "more jobs than the array holds");
  return call.failed ? NULL : from_count(&call, batch(cipher->offload, arena, arena_bytes, jobs, count));
}

static napi_value js_seal(napi_env env, napi_callback_info info) { return run(env, info, offload_seal); }
static napi_value js_open(napi_env env, napi_callback_info info) { return run(env, info, offload_open); }

/* offloadStatus(cipher) */
static napi_value js_status(napi_env env, napi_callback_info info) {
  struct call call;
  struct offload_status status;
  napi_value object;
  napi_value failures;
  if (!begin_call(&call, env, info, 1)) return NULL;
  struct cipher *cipher = cipher_argument(&call);
  if (call.failed) return NULL;
  offload_read_status(cipher->offload, &status);
  napi_create_object(env, &object);
  napi_create_object(env, &failures);
  set(&call, object, "up", from_bool(&call, status.up));
  set_text(&call, object, "lastFailure", offload_reason_name(status.reason));
  set(&call, object, "leastBatch", from_number(&call, status.least_batch));
  set(&call, object, "queues", from_number(&call, status.queues));
  set(&call, object, "keySlots", from_number(&call, status.key_slots));
  set(&call, object, "keysLoaded", from_number(&call, status.keys_loaded));
  set(&call, object, "sealed", from_number(&call, (double)status.sealed));
  set(&call, object, "opened", from_number(&call, (double)status.opened));
  set(&call, object, "wrongTags", from_number(&call, (double)status.wrong_tags));
  set(&call, object, "softwareDown", from_number(&call, (double)status.software_down));
  set(&call, object, "softwareSmallBatch", from_number(&call, (double)status.software_small));
  set(&call, object, "softwareShape", from_number(&call, (double)status.software_shape));
  set(&call, object, "softwareNoSlot", from_number(&call, (double)status.software_key));
  set(&call, object, "softwareRingFull", from_number(&call, (double)status.software_full));
  set(&call, object, "redone", from_number(&call, (double)status.redone));
  set(&call, object, "checked", from_number(&call, (double)status.checked));
  set(&call, object, "selfTests", from_number(&call, (double)status.self_tests));
  set(&call, object, "keyLoads", from_number(&call, (double)status.key_loads));
  set(&call, object, "timesUp", from_number(&call, (double)status.times_up));
  for (int reason = OFFLOAD_FINE + 1; reason < OFFLOAD_REASONS; reason++)
    set(&call, failures, offload_reason_name(reason), from_number(&call, (double)status.failures[reason]));
  set(&call, object, "failures", failures);
  return object;
}

void offload_define(napi_env env, napi_value exports) {
  define_function(env, exports, "offloadNew", js_new, NULL);
  define_function(env, exports, "offloadClose", js_close, NULL);
  define_function(env, exports, "offloadAddKey", js_add_key, NULL);
  define_function(env, exports, "offloadRemoveKey", js_remove_key, NULL);
  define_function(env, exports, "offloadSeal", js_seal, NULL);
  define_function(env, exports, "offloadOpen", js_open, NULL);
  define_function(env, exports, "offloadStatus", js_status, NULL);
}
