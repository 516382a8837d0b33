/*
 * All of the addon's N-API: turns arguments into the core's structs and errors into exceptions, and calls back into
 * JavaScript when a descriptor is readable or a timer is due. What each function takes is declared in addon.ts.
 *
 * Every array that comes in is checked for its type and length here; what stands in it is checked by the core. A wrong
 * argument is a programmer error and throws; nothing that JavaScript passes can make this read or write out of bounds.
 *
 * State belongs to one JavaScript environment (main thread or worker): a table of open devices named by small integers,
 * the key table and the curve. When the environment ends, devices still open are closed.
 */
#include <errno.h>
#include <node_api.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "core/aead.h"
#include "core/curve.h"
#include "core/timer.h"
#include "core/tun.h"
#include "core/udp.h"

/* addon.ts refuses an addon with another number: raise it with any change to what a function takes or gives. */
#define ABI_VERSION 1
#define MAX_DEVICES 64
#define MAX_ARGUMENTS 6

enum device_kind { DEVICE_UDP, DEVICE_TUN, DEVICE_TIMER };

struct device {
  struct addon *addon;
  enum device_kind kind;
  union {
    struct udp udp;
    struct tun tun;
    struct timer timer;
  };
  napi_ref on_readable; /* NULL until watched */
  uv_poll_t polls[UDP_MAX_SOCKETS];
  size_t poll_count; /* handles that libuv still holds: the memory lives until it is 0 */
};

struct addon {
  napi_env env;
  struct device *devices[MAX_DEVICES];
  size_t device_count; /* allocated: closing ones included */
  struct aead *aead;
  struct curve *curve; /* NULL when built without libsecp256k1 */
  napi_async_cleanup_hook_handle cleanup_handle;
  bool ending;
};

/* One call from JavaScript. */
struct call {
  napi_env env;
  struct addon *addon;
  napi_value arguments[MAX_ARGUMENTS];
  bool failed; /* an exception is pending; later checks are skipped */
};

/* Errors */

static void fail(struct call *call, const char *code, const char *message) {
  if (!call->failed) napi_throw_error(call->env, code, message);
  call->failed = true;
}

/* `error` is a negative errno: the exception's `code` is its name, such as EADDRINUSE. */
static void fail_errno(struct call *call, long error) { fail(call, uv_err_name((int)error), uv_strerror((int)error)); }

static void fail_range(struct call *call, const char *what) {
  if (!call->failed) napi_throw_range_error(call->env, NULL, what);
  call->failed = true;
}

/* Arguments */

static bool begin_call(struct call *call, napi_env env, napi_callback_info info, size_t wanted) {
  size_t count = MAX_ARGUMENTS;
  void *data = NULL;
  *call = (struct call){.env = env};
  if (napi_get_cb_info(env, info, &count, call->arguments, NULL, &data) != napi_ok) return false;
  call->addon = data;
  if (count < wanted) fail(call, "ERR_MISSING_ARGS", "too few arguments");
  return !call->failed;
}

/* The memory of a typed array of `type`, valid until control returns to JavaScript. Sets *length in elements. */
static void *typed_array(struct call *call, size_t argument, napi_typedarray_type type, size_t *length) {
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

/* A Uint8Array of exactly `length` bytes, or a range error. */
static uint8_t *exact_bytes(struct call *call, size_t argument, size_t length) {
  size_t actual;
  uint8_t *data = typed_array(call, argument, napi_uint8_array, &actual);
  if (!call->failed && actual != length) fail_range(call, "wrong number of bytes");
  return data;
}

static uint32_t number(struct call *call, size_t argument) {
  double value = -1;
  if (call->failed) return 0;
  if (napi_get_value_double(call->env, call->arguments[argument], &value) != napi_ok || value < 0 || value > UINT32_MAX ||
      value != (double)(uint32_t)value) {
    fail_range(call, "not an unsigned 32-bit integer");
    return 0;
  }
  return (uint32_t)value;
}

static void text(struct call *call, size_t argument, char *out, size_t size) {
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

static struct device *device_argument(struct call *call, size_t argument, enum device_kind kind) {
  uint32_t handle = number(call, argument);
  if (call->failed) return NULL;
  struct device *device = handle < MAX_DEVICES ? call->addon->devices[handle] : NULL;
  if (device == NULL || device->kind != kind) {
    fail(call, "EBADF", "not an open device of this kind");
    return NULL;
  }
  return device;
}

/* Arguments `first` on: arena, offsets, lengths and, for datagrams, endpoints. */
static struct batch batch_arguments(struct call *call, size_t first, bool with_endpoints) {
  struct batch batch = {0};
  size_t lengths;
  batch.arena = typed_array(call, first, napi_uint8_array, &batch.arena_bytes);
  batch.offsets = typed_array(call, first + 1, napi_uint32_array, &batch.capacity);
  batch.lengths = typed_array(call, first + 2, napi_uint32_array, &lengths);
  if (lengths < batch.capacity) batch.capacity = lengths;
  if (with_endpoints) {
    size_t endpoint_bytes;
    batch.endpoints = typed_array(call, first + 3, napi_uint8_array, &endpoint_bytes);
    if (endpoint_bytes / ENDPOINT_BYTES < batch.capacity) batch.capacity = endpoint_bytes / ENDPOINT_BYTES;
  }
  if (batch.arena_bytes > UINT32_MAX) fail_range(call, "arena larger than its offsets can name");
  return batch;
}

/* Results */

static napi_value from_number(struct call *call, double value) {
  napi_value result = NULL;
  napi_create_double(call->env, value, &result);
  return result;
}

static napi_value from_bool(struct call *call, bool value) {
  napi_value result = NULL;
  napi_get_boolean(call->env, value, &result);
  return result;
}

/* A count, or the exception for a negative errno. */
static napi_value from_count(struct call *call, long count) {
  if (count == -ERANGE) fail_range(call, "an entry reaches outside its arena or names no key");
  else if (count < 0) fail_errno(call, count);
  return call->failed ? NULL : from_number(call, (double)count);
}

static void set(struct call *call, napi_value object, const char *name, napi_value value) {
  napi_set_named_property(call->env, object, name, value);
}

static void set_text(struct call *call, napi_value object, const char *name, const char *value) {
  napi_value string = NULL;
  napi_create_string_utf8(call->env, value, NAPI_AUTO_LENGTH, &string);
  set(call, object, name, string);
}

/* Devices */

/* Returns the handle of a new, empty device, or MAX_DEVICES with an exception. */
static uint32_t add_device(struct call *call, enum device_kind kind) {
  struct addon *addon = call->addon;
  uint32_t handle = 0;
  while (handle < MAX_DEVICES && addon->devices[handle] != NULL) handle++;
  struct device *device = handle < MAX_DEVICES ? calloc(1, sizeof *device) : NULL;
  if (device == NULL) {
    fail_errno(call, handle == MAX_DEVICES ? -EMFILE : -ENOMEM);
    return MAX_DEVICES;
  }
  device->addon = addon;
  device->kind = kind;
  addon->devices[handle] = device;
  addon->device_count++;
  return handle;
}

static void free_addon(struct addon *addon) {
  if (addon->aead != NULL) aead_free(addon->aead);
  if (addon->curve != NULL) curve_free(addon->curve);
  napi_async_cleanup_hook_handle handle = addon->cleanup_handle;
  free(addon);
  if (handle != NULL) napi_remove_async_cleanup_hook(handle);
}

static void free_device(struct device *device) {
  struct addon *addon = device->addon;
  free(device);
  addon->device_count--;
  if (addon->ending && addon->device_count == 0) free_addon(addon);
}

static void poll_closed(uv_handle_t *handle) {
  struct device *device = handle->data;
  device->poll_count--;
  if (device->poll_count == 0) free_device(device);
}

/* Takes the device out of the table at once; its memory follows when libuv has let go of it. */
static void close_device(struct addon *addon, uint32_t handle) {
  struct device *device = addon->devices[handle];
  addon->devices[handle] = NULL;
  size_t polls = device->poll_count;
  for (size_t i = 0; i < polls; i++) uv_close((uv_handle_t *)&device->polls[i], poll_closed);
  /* After uv_close() libuv no longer looks at the descriptor. */
  switch (device->kind) {
    case DEVICE_UDP:
      udp_close(&device->udp);
      break;
    case DEVICE_TUN:
      tun_close(&device->tun);
      break;
    case DEVICE_TIMER:
      timer_close(&device->timer);
      break;
  }
  if (device->on_readable != NULL) napi_delete_reference(addon->env, device->on_readable);
  device->on_readable = NULL;
  if (polls == 0) free_device(device);
}

/* One call into JavaScript a readable event: it drains the descriptor by batches. Level-triggered: what is left comes again. */
static void readable(uv_poll_t *poll, int status, int events) {
  struct device *device = poll->data;
  napi_env env = device->addon->env;
  napi_handle_scope scope;
  napi_value callback = NULL;
  napi_value global;
  (void)events;
  /* A timer has nothing to read but that it fired, which is done here. */
  if (device->kind == DEVICE_TIMER && !timer_take(&device->timer)) return;
  if (device->on_readable == NULL || napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_get_reference_value(env, device->on_readable, &callback);
  napi_get_global(env, &global);
  if (napi_make_callback(env, NULL, global, callback, 0, NULL, NULL) == napi_pending_exception) {
    napi_value exception;
    napi_get_and_clear_last_exception(env, &exception);
    napi_fatal_exception(env, exception);
  }
  napi_close_handle_scope(env, scope);
  /* libuv stops watching after an error. The read has met and cleared it, or the device was closed over it. */
  if (status < 0 && device->on_readable != NULL) uv_poll_start(poll, UV_READABLE, readable);
}

static size_t descriptor_count(const struct device *device) {
  return device->kind == DEVICE_UDP ? device->udp.count : 1;
}

static int descriptor(const struct device *device, size_t index) {
  if (device->kind == DEVICE_UDP) return device->udp.sockets[index].fd;
  return device->kind == DEVICE_TUN ? device->tun.fd : device->timer.fd;
}

static int watch(struct device *device, uv_loop_t *loop) {
  size_t count = descriptor_count(device);
  for (size_t i = 0; i < count; i++) {
    uv_poll_t *poll = &device->polls[i];
    int error = uv_poll_init(loop, poll, descriptor(device, i));
    if (error < 0) return error;
    poll->data = device;
    device->poll_count++;
    error = uv_poll_start(poll, UV_READABLE, readable);
    if (error < 0) return error;
  }
  return 0;
}

/* watch(handle, callback): once a device, after its last socket was bound. */
static napi_value js_watch(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 2)) return NULL;
  uint32_t handle = number(&call, 0);
  struct device *device = !call.failed && handle < MAX_DEVICES ? call.addon->devices[handle] : NULL;
  napi_valuetype type = napi_undefined;
  napi_typeof(env, call.arguments[1], &type);
  if (device == NULL) fail(&call, "EBADF", "not an open device");
  else if (device->on_readable != NULL) fail(&call, "EALREADY", "the device is watched already");
  else if (type != napi_function) fail(&call, "ERR_INVALID_ARG_TYPE", "not a function");
  if (call.failed) return NULL;

  uv_loop_t *loop;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return NULL;
  napi_create_reference(env, call.arguments[1], 1, &device->on_readable);
  int error = watch(device, loop);
  if (error < 0) {
    close_device(call.addon, handle);
    fail_errno(&call, error);
  }
  return NULL;
}

/* close(handle) */
static napi_value js_close(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 1)) return NULL;
  uint32_t handle = number(&call, 0);
  if (call.failed) return NULL;
  if (handle >= MAX_DEVICES || call.addon->devices[handle] == NULL) fail(&call, "EBADF", "not an open device");
  else close_device(call.addon, handle);
  return NULL;
}

/* UDP */

static napi_value js_udp_open(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 0)) return NULL;
  uint32_t handle = add_device(&call, DEVICE_UDP);
  return call.failed ? NULL : from_number(&call, handle);
}

/* udpBind(handle, address, port): {address, port, family} */
static napi_value js_udp_bind(napi_env env, napi_callback_info info) {
  struct call call;
  char address[UDP_ADDRESS_TEXT_BYTES];
  uint16_t bound_port;
  napi_value result;
  if (!begin_call(&call, env, info, 3)) return NULL;
  struct device *device = device_argument(&call, 0, DEVICE_UDP);
  text(&call, 1, address, sizeof address);
  uint32_t port = number(&call, 2);
  if (!call.failed && port > UINT16_MAX) fail_range(&call, "not a port");
  if (!call.failed && device->on_readable != NULL) fail(&call, "EALREADY", "bind before watching");
  if (call.failed) return NULL;
  long index = udp_bind(&device->udp, address, (uint16_t)port);
  if (index >= 0) {
    int error = udp_local(&device->udp, (size_t)index, address, &bound_port);
    if (error < 0) index = error;
  }
  if (index < 0) {
    fail_errno(&call, index);
    return NULL;
  }
  napi_create_object(env, &result);
  set_text(&call, result, "address", address);
  set(&call, result, "port", from_number(&call, bound_port));
  set(&call, result, "family", from_number(&call, device->udp.sockets[index].family));
  return result;
}

/* udpSend(handle, arena, offsets, lengths, endpoints, count): how many went out */
static napi_value js_udp_send(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 6)) return NULL;
  struct device *device = device_argument(&call, 0, DEVICE_UDP);
  struct batch batch = batch_arguments(&call, 1, true);
  uint32_t count = number(&call, 5);
  return call.failed ? NULL : from_count(&call, udp_send(&device->udp, &batch, count));
}

/* udpReceive(handle, arena, offsets, lengths, endpoints): how many came */
static napi_value js_udp_receive(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 5)) return NULL;
  struct device *device = device_argument(&call, 0, DEVICE_UDP);
  struct batch batch = batch_arguments(&call, 1, true);
  return call.failed ? NULL : from_count(&call, udp_receive(&device->udp, &batch));
}

static napi_value js_udp_counters(napi_env env, napi_callback_info info) {
  struct call call;
  napi_value result;
  if (!begin_call(&call, env, info, 1)) return NULL;
  struct device *device = device_argument(&call, 0, DEVICE_UDP);
  if (call.failed) return NULL;
  napi_create_object(env, &result);
  set(&call, result, "sent", from_number(&call, (double)device->udp.sent));
  set(&call, result, "received", from_number(&call, (double)device->udp.received));
  set(&call, result, "sendDropped", from_number(&call, (double)device->udp.send_dropped));
  set(&call, result, "sendFailed", from_number(&call, (double)device->udp.send_failed));
  set(&call, result, "receiveDropped", from_number(&call, (double)udp_receive_dropped(&device->udp)));
  set(&call, result, "truncated", from_number(&call, (double)device->udp.truncated));
  return result;
}

/* TUN */

/* tunOpen(name, mtu): {handle, name} */
static napi_value js_tun_open(napi_env env, napi_callback_info info) {
  struct call call;
  char name[IFNAMSIZ];
  napi_value result;
  if (!begin_call(&call, env, info, 2)) return NULL;
  text(&call, 0, name, sizeof name);
  uint32_t mtu = number(&call, 1);
  if (!call.failed && (mtu == 0 || mtu > UINT16_MAX)) fail_range(&call, "not an MTU");
  uint32_t handle = call.failed ? MAX_DEVICES : add_device(&call, DEVICE_TUN);
  if (call.failed) return NULL;
  struct device *device = call.addon->devices[handle];
  int error = tun_open(&device->tun, name, mtu);
  if (error < 0) {
    call.addon->devices[handle] = NULL;
    free_device(device);
    fail_errno(&call, error);
    return NULL;
  }
  napi_create_object(env, &result);
  set(&call, result, "handle", from_number(&call, handle));
  set_text(&call, result, "name", device->tun.name);
  return result;
}

/* tunRead(handle, arena, offsets, lengths): how many packets came */
static napi_value js_tun_read(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 4)) return NULL;
  struct device *device = device_argument(&call, 0, DEVICE_TUN);
  struct batch batch = batch_arguments(&call, 1, false);
  return call.failed ? NULL : from_count(&call, tun_read(&device->tun, &batch));
}

/* tunWrite(handle, arena, offsets, lengths, count): how many the kernel took */
static napi_value js_tun_write(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 5)) return NULL;
  struct device *device = device_argument(&call, 0, DEVICE_TUN);
  struct batch batch = batch_arguments(&call, 1, false);
  uint32_t count = number(&call, 4);
  return call.failed ? NULL : from_count(&call, tun_write(&device->tun, &batch, count));
}

static napi_value js_tun_counters(napi_env env, napi_callback_info info) {
  struct call call;
  napi_value result;
  if (!begin_call(&call, env, info, 1)) return NULL;
  struct device *device = device_argument(&call, 0, DEVICE_TUN);
  if (call.failed) return NULL;
  napi_create_object(env, &result);
  set(&call, result, "read", from_number(&call, (double)device->tun.read_packets));
  set(&call, result, "written", from_number(&call, (double)device->tun.written_packets));
  set(&call, result, "writeDropped", from_number(&call, (double)device->tun.write_dropped));
  return result;
}

/* Timer */

static napi_value js_timer_open(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 0)) return NULL;
  uint32_t handle = add_device(&call, DEVICE_TIMER);
  if (call.failed) return NULL;
  struct device *device = call.addon->devices[handle];
  int error = timer_open(&device->timer);
  if (error < 0) {
    call.addon->devices[handle] = NULL;
    free_device(device);
    fail_errno(&call, error);
    return NULL;
  }
  return from_number(&call, handle);
}

/* timerArm(handle, microseconds) */
static napi_value js_timer_arm(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 2)) return NULL;
  struct device *device = device_argument(&call, 0, DEVICE_TIMER);
  uint32_t delay_us = number(&call, 1);
  return call.failed ? NULL : from_count(&call, timer_arm(&device->timer, delay_us));
}

/* Cipher */

static napi_value js_add_key(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 1)) return NULL;
  uint8_t *key = exact_bytes(&call, 0, AEAD_KEY_BYTES);
  return call.failed ? NULL : from_count(&call, aead_add_key(call.addon->aead, key));
}

static napi_value js_remove_key(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 1)) return NULL;
  uint32_t slot = number(&call, 0);
  return call.failed ? NULL : from_count(&call, aead_remove_key(call.addon->aead, slot));
}

static napi_value run_jobs(napi_env env, napi_callback_info info,
                           int (*run)(struct aead *, uint8_t *, size_t, uint32_t *, size_t)) {
  struct call call;
  size_t arena_bytes;
  size_t words;
  if (!begin_call(&call, env, info, 3)) return NULL;
  uint8_t *arena = typed_array(&call, 0, napi_uint8_array, &arena_bytes);
  uint32_t *jobs = typed_array(&call, 1, napi_uint32_array, &words);
  uint32_t count = number(&call, 2);
  if (!call.failed && count > words / AEAD_JOB_WORDS) fail_range(&call, "more jobs than the array holds");
  return call.failed ? NULL : from_count(&call, run(call.addon->aead, arena, arena_bytes, jobs, count));
}

/* sealBatch(arena, jobs, count), openBatch(arena, jobs, count) */
static napi_value js_seal_batch(napi_env env, napi_callback_info info) { return run_jobs(env, info, aead_seal); }
static napi_value js_open_batch(napi_env env, napi_callback_info info) { return run_jobs(env, info, aead_open); }

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
    const struct curve *curve = call.addon->curve;                                   \
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

/* Module */

static void end_environment(napi_async_cleanup_hook_handle handle, void *data) {
  struct addon *addon = data;
  (void)handle;
  addon->ending = true;
  if (addon->device_count == 0) {
    free_addon(addon);
    return;
  }
  /* Closing the last device may free the addon with it: what remains is counted before. */
  for (uint32_t i = 0; i < MAX_DEVICES; i++) {
    if (addon->devices[i] == NULL) continue;
    bool last = addon->device_count == 1;
    close_device(addon, i);
    if (last) return;
  }
}

static void define(napi_env env, napi_value exports, struct addon *addon, const char *name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, addon, &function);
  napi_set_named_property(env, exports, name, function);
}

NAPI_MODULE_INIT() {
  struct addon *addon = calloc(1, sizeof *addon);
  if (addon == NULL) return NULL;
  addon->env = env;
  addon->aead = aead_new();
  if (addon->aead == NULL) {
    free(addon);
    napi_throw_error(env, NULL, "this Node has no ChaCha20-Poly1305");
    return NULL;
  }
  addon->curve = curve_new();
  napi_add_async_cleanup_hook(env, end_environment, addon, &addon->cleanup_handle);

  napi_value version;
  napi_create_uint32(env, ABI_VERSION, &version);
  napi_set_named_property(env, exports, "abiVersion", version);
  define(env, exports, addon, "watch", js_watch);
  define(env, exports, addon, "close", js_close);
  define(env, exports, addon, "udpOpen", js_udp_open);
  define(env, exports, addon, "udpBind", js_udp_bind);
  define(env, exports, addon, "udpSend", js_udp_send);
  define(env, exports, addon, "udpReceive", js_udp_receive);
  define(env, exports, addon, "udpCounters", js_udp_counters);
  define(env, exports, addon, "tunOpen", js_tun_open);
  define(env, exports, addon, "tunRead", js_tun_read);
  define(env, exports, addon, "tunWrite", js_tun_write);
  define(env, exports, addon, "tunCounters", js_tun_counters);
  define(env, exports, addon, "timerOpen", js_timer_open);
  define(env, exports, addon, "timerArm", js_timer_arm);
  define(env, exports, addon, "addKey", js_add_key);
  define(env, exports, addon, "removeKey", js_remove_key);
  define(env, exports, addon, "sealBatch", js_seal_batch);
  define(env, exports, addon, "openBatch", js_open_batch);
  if (addon->curve == NULL) return exports;
  define(env, exports, addon, "isSecret", js_is_secret);
  define(env, exports, addon, "isPoint", js_is_point);
  define(env, exports, addon, "publicKey", js_public_key);
  define(env, exports, addon, "ecdh", js_ecdh);
  define(env, exports, addon, "multiply", js_multiply);
  define(env, exports, addon, "sign", js_sign);
  define(env, exports, addon, "verify", js_verify);
  return exports;
}
