/*
 * N-API of the offload cipher (core/offload.h). A cipher is an external value that JavaScript holds; it has a software key
 * table of its own, and is freed with the value or by offloadClose. Arguments are checked as in binding.c.
 */
#include "offload_binding.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <uv.h>

#include "core/aead.h"
#include "core/offload.h"

#define MAX_ARGUMENTS 5
#define MAX_NAME 256

struct cipher {
  struct aead *software;
  struct offload *offload; /* NULL after offloadClose */
};

struct call {
  napi_env env;
  napi_value arguments[MAX_ARGUMENTS];
  struct cipher *cipher;
  bool failed;
};

static void fail_range(struct call *call, const char *what) {
  if (!call->failed) napi_throw_range_error(call->env, NULL, what);
  call->failed = true;
}

static bool begin(struct call *call, napi_env env, napi_callback_info info, size_t wanted, bool with_cipher) {
  size_t count = MAX_ARGUMENTS;
  *call = (struct call){.env = env};
  napi_get_cb_info(env, info, &count, call->arguments, NULL, NULL);
  if (count < wanted) fail_range(call, "too few arguments");
  if (!with_cipher || call->failed) return !call->failed;
  if (napi_get_value_external(env, call->arguments[0], (void **)&call->cipher) != napi_ok || call->cipher->offload == NULL)
    fail_range(call, "not an open offload cipher");
  return !call->failed;
}

static uint32_t number(struct call *call, size_t argument) {
  double value = -1;
  if (call->failed) return 0;
  napi_get_value_double(call->env, call->arguments[argument], &value);
  if (!(value >= 0 && value <= UINT32_MAX)) fail_range(call, "not an unsigned 32-bit integer");
  return call->failed ? 0 : (uint32_t)value;
}

static void *typed_array(struct call *call, size_t argument, napi_typedarray_type wanted, size_t *length) {
  napi_typedarray_type type;
  void *data = NULL;
  bool right = false;
  if (call->failed) return NULL;
  napi_is_typedarray(call->env, call->arguments[argument], &right);
  if (right) napi_get_typedarray_info(call->env, call->arguments[argument], &type, length, &data, NULL, NULL);
  if (!right || type != wanted) fail_range(call, "not the typed array that this function takes");
  return data;
}

static napi_value result(struct call *call, long value) {
  napi_value number = NULL;
  if (value == -ERANGE) fail_range(call, "an entry reaches outside its arena or names no key");
  else if (value < 0) napi_throw_error(call->env, uv_err_name((int)value), uv_strerror((int)value));
  else napi_create_int64(call->env, value, &number);
  return number;
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
  size_t length = 0;
  napi_value external = NULL;
  if (!begin(&call, env, info, 5, false)) return NULL;
  if (napi_get_value_string_utf8(env, call.arguments[0], device, sizeof device, &length) != napi_ok || length == sizeof device - 1)
    fail_range(&call, "not the name of a device");
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
    return result(&call, -ENOMEM);
  }
  napi_create_external(env, cipher, finalize, NULL, &external);
  return external;
}

static napi_value js_close(napi_env env, napi_callback_info info) {
  struct call call;
  if (begin(&call, env, info, 1, true)) close_cipher(call.cipher);
  return NULL;
}

static napi_value js_add_key(napi_env env, napi_callback_info info) {
  struct call call;
  size_t length = 0;
  if (!begin(&call, env, info, 2, true)) return NULL;
  const uint8_t *key = typed_array(&call, 1, napi_uint8_array, &length);
  if (!call.failed && length != AEAD_KEY_BYTES) fail_range(&call, "wrong number of bytes");
  return call.failed ? NULL : result(&call, offload_add_key(call.cipher->offload, key));
}

static napi_value js_remove_key(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin(&call, env, info, 2, true)) return NULL;
  uint32_t slot = number(&call, 1);
  return call.failed ? NULL : result(&call, offload_remove_key(call.cipher->offload, slot));
}

static napi_value run(napi_env env, napi_callback_info info, int (*batch)(struct offload *, uint8_t *, size_t, uint32_t *, size_t)) {
  struct call call;
  size_t arena_bytes = 0;
  size_t words = 0;
  if (!begin(&call, env, info, 4, true)) return NULL;
  uint8_t *arena = typed_array(&call, 1, napi_uint8_array, &arena_bytes);
  uint32_t *jobs = typed_array(&call, 2, napi_uint32_array, &words);
  uint32_t count = number(&call, 3);
  if (!call.failed && count > words / AEAD_JOB_WORDS) fail_range(&call, "more jobs than the array holds");
  return call.failed ? NULL : result(&call, batch(call.cipher->offload, arena, arena_bytes, jobs, count));
}

static napi_value js_seal(napi_env env, napi_callback_info info) { return run(env, info, offload_seal); }
static napi_value js_open(napi_env env, napi_callback_info info) { return run(env, info, offload_open); }

static void set(napi_env env, napi_value object, const char *name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

static void set_number(napi_env env, napi_value object, const char *name, double value) {
  napi_value number = NULL;
  napi_create_double(env, value, &number);
  set(env, object, name, number);
}

static void set_text(napi_env env, napi_value object, const char *name, const char *text) {
  napi_value string = NULL;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &string);
  set(env, object, name, string);
}

/* offloadStatus(cipher) */
static napi_value js_status(napi_env env, napi_callback_info info) {
  struct call call;
  struct offload_status status;
  napi_value object;
  napi_value failures;
  napi_value up;
  if (!begin(&call, env, info, 1, true)) return NULL;
  offload_read_status(call.cipher->offload, &status);
  napi_create_object(env, &object);
  napi_create_object(env, &failures);
  napi_get_boolean(env, status.up, &up);
  set(env, object, "up", up);
  set_text(env, object, "lastFailure", offload_reason_name(status.reason));
  set_number(env, object, "leastBatch", status.least_batch);
  set_number(env, object, "queues", status.queues);
  set_number(env, object, "keySlots", status.key_slots);
  set_number(env, object, "keysLoaded", status.keys_loaded);
  set_number(env, object, "sealed", (double)status.sealed);
  set_number(env, object, "opened", (double)status.opened);
  set_number(env, object, "wrongTags", (double)status.wrong_tags);
  set_number(env, object, "softwareDown", (double)status.software_down);
  set_number(env, object, "softwareSmallBatch", (double)status.software_small);
  set_number(env, object, "softwareShape", (double)status.software_shape);
  set_number(env, object, "softwareNoSlot", (double)status.software_key);
  set_number(env, object, "softwareRingFull", (double)status.software_full);
  set_number(env, object, "redone", (double)status.redone);
  set_number(env, object, "checked", (double)status.checked);
  set_number(env, object, "selfTests", (double)status.self_tests);
  set_number(env, object, "keyLoads", (double)status.key_loads);
  set_number(env, object, "timesUp", (double)status.times_up);
  for (int reason = OFFLOAD_FINE + 1; reason < OFFLOAD_REASONS; reason++)
    set_number(env, failures, offload_reason_name(reason), (double)status.failures[reason]);
  set(env, object, "failures", failures);
  return object;
}

static void define(napi_env env, napi_value exports, const char *name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function);
  set(env, exports, name, function);
}

void offload_define(napi_env env, napi_value exports) {
  define(env, exports, "offloadNew", js_new);
  define(env, exports, "offloadClose", js_close);
  define(env, exports, "offloadAddKey", js_add_key);
  define(env, exports, "offloadRemoveKey", js_remove_key);
  define(env, exports, "offloadSeal", js_seal);
  define(env, exports, "offloadOpen", js_open);
  define(env, exports, "offloadStatus", js_status);
}
