#include "call.h"

#include <errno.h>
#include <string.h>
#include <uv.h>

/* Errors */

void fail(struct call *call, const char *code, const char *message) {
  if (!call->failed) napi_throw_error(call->env, code, message);
  call->failed = true;
}

void fail_errno(struct call *call, long error) { fail(call, uv_err_name((int)error), uv_strerror((int)error)); }

void fail_range(struct call *call, const char *what) {
  if (!call->failed) napi_throw_range_error(call->env, NULL, what);
  call->failed = true;
}

/* Arguments */

bool begin_call(struct call *call, napi_env env, napi_callback_info info, size_t wanted) {
  size_t count = MAX_ARGUMENTS;
  void *data = NULL;
  *call = (struct call){.env = env};
  if (napi_get_cb_info(env, info, &count, call->arguments, NULL, &data) != napi_ok) return false;
  call->data = data;
  if (count < wanted) fail(call, "ERR_MISSING_ARGS", "too few arguments");
  return !call->failed;
}

void define_function(napi_env env, napi_value exports, const char *name, napi_callback callback, void *data) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, data, &function);
  napi_set_named_property(env, exports, name, function);
}

void *typed_array(struct call *call, size_t argument, napi_typedarray_type type, size_t *length) {
  napi_value value = call->arguments[argument];
  napi_typedarray_type actual;
  void *data = NULL;
  bool is_typed_array = false;
  *length = 0;
  if (call->failed) return NULL;
  napi_is_typedarray(call->env, value, &is_typed_array);
  if (!is_typed_array || napi_get_typedarray_info(call->env, value, &actual, length, &data, NULL, NULL) != napi_ok ||
      actual != type) {
    *length = 0;
    fail(call, "ERR_INVALID_ARG_TYPE", "not the typed array that this function takes");
    return NULL;
  }
  return data;
}

uint8_t *exact_bytes(struct call *call, size_t argument, size_t length) {
  size_t actual;
  uint8_t *data = typed_array(call, argument, napi_uint8_array, &actual);
  if (!call->failed && actual != length) fail_range(call, "wrong number of bytes");
  return data;
}

uint32_t number(struct call *call, size_t argument) {
  double value = -1;
  if (call->failed) return 0;
  if (napi_get_value_double(call->env, call->arguments[argument], &value) != napi_ok || value < 0 || value > UINT32_MAX ||
      value != (double)(uint32_t)value) {
    fail_range(call, "not an unsigned 32-bit integer");
    return 0;
  }
  return (uint32_t)value;
}

void text(struct call *call, size_t argument, char *out, size_t size) {
  size_t length = 0;
  out[0] = '\0';
  if (call->failed) return;
  napi_value value = call->arguments[argument];
  if (napi_get_value_string_utf8(call->env, value, NULL, 0, &length) != napi_ok) {
    fail(call, "ERR_INVALID_ARG_TYPE", "not a string");
  } else if (length >= size) {
    fail_range(call, "text too long");
  } else {
    napi_get_value_string_utf8(call->env, value, out, size, &length);
    if (strlen(out) != length) fail_range(call, "text with a zero in it");
  }
}

/* What both kinds of batch have. */
static struct batch batch_arguments(struct call *call, size_t first) {
  struct batch batch = {0};
  size_t lengths;
  batch.arena = typed_array(call, first, napi_uint8_array, &batch.arena_bytes);
  batch.offsets = typed_array(call, first + 1, napi_uint32_array, &batch.capacity);
  batch.lengths = typed_array(call, first + 2, napi_uint32_array, &lengths);
  if (lengths < batch.capacity) batch.capacity = lengths;
  if (batch.arena_bytes > UINT32_MAX) fail_range(call, "arena larger than its offsets can name");
  return batch;
}

struct batch datagram_arguments(struct call *call, size_t first) {
  struct batch batch = batch_arguments(call, first);
  size_t endpoint_bytes;
  batch.endpoints = typed_array(call, first + 3, napi_uint8_array, &endpoint_bytes);
  if (endpoint_bytes / ENDPOINT_BYTES < batch.capacity) batch.capacity = endpoint_bytes / ENDPOINT_BYTES;
  return batch;
}

struct batch packet_arguments(struct call *call, size_t first) {
  struct batch batch = batch_arguments(call, first);
  size_t segments;
  batch.segments = typed_array(call, first + 3, napi_uint16_array, &segments);
  if (segments < batch.capacity) batch.capacity = segments;
  return batch;
}

/* Results */

napi_value from_number(struct call *call, double value) {
  napi_value result = NULL;
  napi_create_double(call->env, value, &result);
  return result;
}

napi_value from_bool(struct call *call, bool value) {
  napi_value result = NULL;
  napi_get_boolean(call->env, value, &result);
  return result;
}

napi_value from_count(struct call *call, long count) {
  if (count == -ERANGE) fail_range(call, "an entry reaches outside its arena or names no key");
  else if (count < 0) fail_errno(call, count);
  return call->failed ? NULL : from_number(call, (double)count);
}

void set(struct call *call, napi_value object, const char *name, napi_value value) {
  napi_set_named_property(call->env, object, name, value);
}

void set_text(struct call *call, napi_value object, const char *name, const char *value) {
  napi_value string = NULL;
  napi_create_string_utf8(call->env, value, NAPI_AUTO_LENGTH, &string);
  set(call, object, name, string);
}
