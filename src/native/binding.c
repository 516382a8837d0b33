/*
 * The addon's functions: each turns its arguments into the core's structs (call.h) and errors into exceptions. Calls back
 * into JavaScript when a descriptor is readable or a timer is due. What each function takes is declared in addon.ts.
 *
 * Every array that comes in is checked for its type and length in call.c; what stands in it is checked by the core. A wrong
 * argument is a programmer error and throws; nothing that JavaScript passes can make this read or write out of bounds.
 *
 * State belongs to one JavaScript environment (main thread or worker): a table of open devices named by small integers,
 * the key table and the curve. When the environment ends, devices still open are closed.
 */
#include <errno.h>
#include <node_api.h>
#include <stdlib.h>
#include <uv.h>

#include "call.h"
#include "curve_binding.h"
#include "core/aead.h"
#include "core/curve.h"
#include "core/dispatch.h"
#include "core/notify.h"
#include "core/pieces.h"
#include "core/timer.h"
#include "core/tun.h"
#include "core/udp.h"
#include "offload_binding.h"

/* addon.ts refuses an addon with another number: raise it with any change to what a function takes or gives. */
#define ABI_VERSION 7
#define MAX_DEVICES 64

/* arena, offsets, lengths, endpoints, jobs */
#define DISPATCH_ARRAYS 5

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
  struct dispatch *dispatch; /* of UDP: NULL until begun */
  napi_ref dispatched[DISPATCH_BATCHES * DISPATCH_ARRAYS]; /* the arrays that it works on */
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

static struct addon *addon_of(const struct call *call) { return call->data; }

/* Devices */

static struct device *device_argument(struct call *call, size_t argument, enum device_kind kind) {
  uint32_t handle = number(call, argument);
  if (call->failed) return NULL;
  struct device *device = handle < MAX_DEVICES ? addon_of(call)->devices[handle] : NULL;
  if (device == NULL || device->kind != kind) {
    fail(call, "EBADF", "not an open device of this kind");
    return NULL;
  }
  return device;
}

/* Returns the handle of a new, empty device, or MAX_DEVICES with an exception. */
static uint32_t add_device(struct call *call, enum device_kind kind) {
  struct addon *addon = addon_of(call);
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

static void end_dispatch(struct device *device) {
  if (device->dispatch != NULL) dispatch_free(device->dispatch);
  device->dispatch = NULL;
  for (size_t i = 0; i < DISPATCH_BATCHES * DISPATCH_ARRAYS; i++) {
    if (device->dispatched[i] != NULL) napi_delete_reference(device->addon->env, device->dispatched[i]);
    device->dispatched[i] = NULL;
  }
}

/* Takes the device out of the table at once; its memory follows when libuv has let go of it. */
static void close_device(struct addon *addon, uint32_t handle) {
  struct device *device = addon->devices[handle];
  addon->devices[handle] = NULL;
  end_dispatch(device);
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

/* Datagrams or packets that JavaScript has read. */
static uint64_t read_so_far(const struct device *device) {
  if (device->kind == DEVICE_UDP) return device->udp.received;
  return device->kind == DEVICE_TUN ? device->tun.read_packets : 0;
}

/* Something was read from the descriptor and not taken yet, of which the descriptor knows nothing. */
static bool has_more(const struct device *device) {
  if (device->kind == DEVICE_UDP) return udp_has_more(&device->udp);
  return device->kind == DEVICE_TUN && tun_has_more(&device->tun);
}

/*
 * One call into JavaScript a readable event: it drains the descriptor by batches. Level-triggered: what is left comes again.
 * What is left on this side of the descriptor does not, so the call is repeated, for as long as it takes anything.
 */
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
  uint64_t read_before;
  do {
    read_before = read_so_far(device);
    if (napi_make_callback(env, NULL, global, callback, 0, NULL, NULL) == napi_pending_exception) {
      napi_value exception;
      napi_get_and_clear_last_exception(env, &exception);
      napi_fatal_exception(env, exception);
      break;
    }
  } while (read_so_far(device) != read_before && has_more(device));
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
  struct device *device = !call.failed && handle < MAX_DEVICES ? addon_of(&call)->devices[handle] : NULL;
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
    close_device(addon_of(&call), handle);
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
  if (handle >= MAX_DEVICES || addon_of(&call)->devices[handle] == NULL) fail(&call, "EBADF", "not an open device");
  else close_device(addon_of(&call), handle);
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

/* Before anybody but the thread sends, or looks at what it counts. */
static void settle(struct device *device) {
  if (device->dispatch != NULL) dispatch_settle(device->dispatch);
}

/* udpSend(handle, arena, offsets, lengths, endpoints, count): how many went out */
static napi_value js_udp_send(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 6)) return NULL;
  struct device *device = device_argument(&call, 0, DEVICE_UDP);
  struct batch batch = datagram_arguments(&call, 1);
  uint32_t count = number(&call, 5);
  if (call.failed) return NULL;
  settle(device);
  return from_count(&call, udp_send(&device->udp, &batch, count));
}

/* udpReceive(handle, arena, offsets, lengths, endpoints): how many came */
static napi_value js_udp_receive(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 5)) return NULL;
  struct device *device = device_argument(&call, 0, DEVICE_UDP);
  struct batch batch = datagram_arguments(&call, 1);
  return call.failed ? NULL : from_count(&call, udp_receive(&device->udp, &batch));
}

/*
 * udpDispatch(handle, arrays): begins to seal and send on a thread. `arrays`: arena, offsets, lengths, endpoints and jobs of each batch of the ring, one
 * behind the other. False where no thread can be had.
 */
static napi_value js_udp_dispatch(napi_env env, napi_callback_info info) {
  struct call call;
  struct dispatch_batch ring[DISPATCH_BATCHES];
  if (!begin_call(&call, env, info, 2)) return NULL;
  struct device *device = device_argument(&call, 0, DEVICE_UDP);
  if (!call.failed && device->dispatch != NULL) fail(&call, "EALREADY", "the device has a thread already");
  if (call.failed) return NULL;
  napi_value arrays = call.arguments[1];
  for (size_t i = 0; i < DISPATCH_BATCHES; i++) {
    for (size_t j = 0; j < DISPATCH_ARRAYS; j++) {
      call.arguments[1 + j] = NULL;
      napi_get_element(env, arrays, (uint32_t)(i * DISPATCH_ARRAYS + j), &call.arguments[1 + j]);
    }
    ring[i].batch = datagram_arguments(&call, 1);
    size_t words;
    ring[i].jobs = typed_array(&call, 5, napi_uint32_array, &words);
    ring[i].job_capacity = words / AEAD_JOB_WORDS;
    if (call.failed) break;
    for (size_t j = 0; j < DISPATCH_ARRAYS; j++) {
      napi_create_reference(env, call.arguments[1 + j], 1, &device->dispatched[i * DISPATCH_ARRAYS + j]);
    }
  }
  if (!call.failed) device->dispatch = dispatch_new(&device->udp, ring);
  bool begun = device->dispatch != NULL;
  if (!begun) end_dispatch(device);
  return call.failed ? NULL : from_bool(&call, begun);
}

/* udpDispatchSend(handle, count, jobCount): a dispatch_result */
static napi_value js_udp_dispatch_send(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 3)) return NULL;
  struct device *device = device_argument(&call, 0, DEVICE_UDP);
  uint32_t count = number(&call, 1);
  uint32_t job_count = number(&call, 2);
  if (!call.failed && device->dispatch == NULL) fail(&call, "EBADF", "the device has no thread");
  return call.failed ? NULL : from_count(&call, dispatch_send(device->dispatch, addon_of(&call)->aead, count, job_count));
}

static napi_value js_udp_counters(napi_env env, napi_callback_info info) {
  struct call call;
  napi_value result;
  if (!begin_call(&call, env, info, 1)) return NULL;
  struct device *device = device_argument(&call, 0, DEVICE_UDP);
  if (call.failed) return NULL;
  settle(device);
  napi_create_object(env, &result);
  set(&call, result, "sent", from_number(&call, (double)device->udp.sent));
  set(&call, result, "received", from_number(&call, (double)device->udp.received));
  set(&call, result, "sendDropped", from_number(&call, (double)device->udp.send_dropped));
  set(&call, result, "sendFailed", from_number(&call, (double)device->udp.send_failed));
  set(&call, result, "receiveDropped", from_number(&call, (double)udp_receive_dropped(&device->udp)));
  set(&call, result, "truncated", from_number(&call, (double)device->udp.truncated));
  return result;
}

/* udpOffloads(handle): {send, receive} */
static napi_value js_udp_offloads(napi_env env, napi_callback_info info) {
  struct call call;
  napi_value result;
  if (!begin_call(&call, env, info, 1)) return NULL;
  struct device *device = device_argument(&call, 0, DEVICE_UDP);
  if (call.failed) return NULL;
  settle(device);
  napi_create_object(env, &result);
  set(&call, result, "send", from_bool(&call, udp_sends_runs(&device->udp)));
  set(&call, result, "receive", from_bool(&call, udp_receives_runs(&device->udp)));
  return result;
}

/* TUN */

/* tunOpen(name, mtu): {handle, name, superpackets} */
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
  struct device *device = addon_of(&call)->devices[handle];
  int error = tun_open(&device->tun, name, mtu);
  if (error < 0) {
    addon_of(&call)->devices[handle] = NULL;
    free_device(device);
    fail_errno(&call, error);
    return NULL;
  }
  napi_create_object(env, &result);
  set(&call, result, "handle", from_number(&call, handle));
  set_text(&call, result, "name", device->tun.name);
  set(&call, result, "superpackets", from_bool(&call, device->tun.superpackets));
  return result;
}

/* tunRead(handle, arena, offsets, lengths, segments): how many packets came */
static napi_value js_tun_read(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 5)) return NULL;
  struct device *device = device_argument(&call, 0, DEVICE_TUN);
  struct batch batch = packet_arguments(&call, 1);
  return call.failed ? NULL : from_count(&call, tun_read(&device->tun, &batch));
}

/* tunWrite(handle, arena, offsets, lengths, segments, count): how many the kernel took */
static napi_value js_tun_write(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 6)) return NULL;
  struct device *device = device_argument(&call, 0, DEVICE_TUN);
  struct batch batch = packet_arguments(&call, 1);
  uint32_t count = number(&call, 5);
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
  set(&call, result, "readDropped", from_number(&call, (double)device->tun.read_dropped));
  set(&call, result, "readSuperpackets", from_number(&call, (double)device->tun.read_superpackets));
  set(&call, result, "writtenSuperpackets", from_number(&call, (double)device->tun.written_superpackets));
  return result;
}

/* Timer */

static napi_value js_timer_open(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 0)) return NULL;
  uint32_t handle = add_device(&call, DEVICE_TIMER);
  if (call.failed) return NULL;
  struct device *device = addon_of(&call)->devices[handle];
  int error = timer_open(&device->timer);
  if (error < 0) {
    addon_of(&call)->devices[handle] = NULL;
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

/* notify(path, text): to the service manager */
static napi_value js_notify(napi_env env, napi_callback_info info) {
  struct call call;
  char path[NOTIFY_PATH_BYTES];
  char message[NOTIFY_TEXT_BYTES];
  if (!begin_call(&call, env, info, 2)) return NULL;
  text(&call, 0, path, sizeof path);
  text(&call, 1, message, sizeof message);
  return call.failed ? NULL : from_count(&call, notify_send(path, message));
}

/* Cipher */

static napi_value js_add_key(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 1)) return NULL;
  uint8_t *key = exact_bytes(&call, 0, AEAD_KEY_BYTES);
  return call.failed ? NULL : from_count(&call, aead_add_key(addon_of(&call)->aead, key));
}

static napi_value js_remove_key(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_call(&call, env, info, 1)) return NULL;
  uint32_t slot = number(&call, 0);
  return call.failed ? NULL : from_count(&call, aead_remove_key(addon_of(&call)->aead, slot));
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
  return call.failed ? NULL : from_count(&call, run(addon_of(&call)->aead, arena, arena_bytes, jobs, count));
}

/* sealBatch(arena, jobs, count), openBatch(arena, jobs, count) */
static napi_value js_seal_batch(napi_env env, napi_callback_info info) { return run_jobs(env, info, aead_seal); }
static napi_value js_open_batch(napi_env env, napi_callback_info info) { return run_jobs(env, info, aead_open); }

/* layPieces(arena, at, datagramBytes, count, pieces, from, pieceBytes) */
static napi_value js_lay_pieces(napi_env env, napi_callback_info info) {
  struct call call;
  struct piece_run run;
  if (!begin_call(&call, env, info, 7)) return NULL;
  run.arena = typed_array(&call, 0, napi_uint8_array, &run.arena_bytes);
  run.at = number(&call, 1);
  run.datagram_bytes = number(&call, 2);
  run.count = number(&call, 3);
  run.pieces = typed_array(&call, 4, napi_uint8_array, &run.pieces_bytes);
  run.from = number(&call, 5);
  run.piece_bytes = number(&call, 6);
  if (!call.failed && !pieces_lay(&run)) fail_range(&call, "pieces");
  return NULL;
}

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
  define_function(env, exports, "watch", js_watch, addon);
  define_function(env, exports, "close", js_close, addon);
  define_function(env, exports, "udpOpen", js_udp_open, addon);
  define_function(env, exports, "udpBind", js_udp_bind, addon);
  define_function(env, exports, "udpSend", js_udp_send, addon);
  define_function(env, exports, "udpReceive", js_udp_receive, addon);
  define_function(env, exports, "udpDispatch", js_udp_dispatch, addon);
  define_function(env, exports, "udpDispatchSend", js_udp_dispatch_send, addon);
  define_function(env, exports, "udpCounters", js_udp_counters, addon);
  define_function(env, exports, "udpOffloads", js_udp_offloads, addon);
  define_function(env, exports, "tunOpen", js_tun_open, addon);
  define_function(env, exports, "tunRead", js_tun_read, addon);
  define_function(env, exports, "tunWrite", js_tun_write, addon);
  define_function(env, exports, "tunCounters", js_tun_counters, addon);
  define_function(env, exports, "timerOpen", js_timer_open, addon);
  define_function(env, exports, "timerArm", js_timer_arm, addon);
  define_function(env, exports, "notify", js_notify, addon);
  define_function(env, exports, "addKey", js_add_key, addon);
  define_function(env, exports, "removeKey", js_remove_key, addon);
  define_function(env, exports, "sealBatch", js_seal_batch, addon);
  define_function(env, exports, "openBatch", js_open_batch, addon);
  define_function(env, exports, "layPieces", js_lay_pieces, addon);
  offload_define(env, exports);
  if (addon->curve != NULL) curve_define(env, exports, addon->curve);
  return exports;
}
