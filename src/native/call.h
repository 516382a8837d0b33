/*
 * One call from JavaScript: its arguments checked and fetched, its result made, its error thrown.
 *
 * The first thing that is wrong throws; from then on `failed` is set and every further check does nothing, so a function
 * fetches all its arguments and looks at `failed` once before it uses them.
 */
#ifndef SKYWIRE_CALL_H
#define SKYWIRE_CALL_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/batch.h"

#define MAX_ARGUMENTS 7

struct call {
  napi_env env;
  void *data; /* what the function was defined with */
  napi_value arguments[MAX_ARGUMENTS];
  bool failed; /* an exception is pending; later checks are skipped */
};

/* False with a pending exception when there are fewer than `wanted` arguments. */
bool begin_call(struct call *call, napi_env env, napi_callback_info info, size_t wanted);

/* Puts a function into `exports`; each of its calls has `data`. */
void define_function(napi_env env, napi_value exports, const char *name, napi_callback callback, void *data);

/* Errors */

void fail(struct call *call, const char *code, const char *message);
/* `error` is a negative errno: the exception's `code` is its name, such as EADDRINUSE. */
void fail_errno(struct call *call, long error);
void fail_range(struct call *call, const char *what);

/* Arguments, by their place */

/* The memory of a typed array of `type`, valid until control returns to JavaScript. Sets *length in elements. */
void *typed_array(struct call *call, size_t argument, napi_typedarray_type type, size_t *length);
/* A Uint8Array of exactly `length` bytes, or a range error. */
uint8_t *exact_bytes(struct call *call, size_t argument, size_t length);
uint32_t number(struct call *call, size_t argument);
/* Into `out` with a final zero; a text that is longer, or has a zero in it, is a range error. */
void text(struct call *call, size_t argument, char *out, size_t size);
/* Arguments `first` on: arena, offsets, lengths; then, for datagrams, endpoints, for packets, segments. */
struct batch datagram_arguments(struct call *call, size_t first);
struct batch packet_arguments(struct call *call, size_t first);

/* Results */

napi_value from_number(struct call *call, double value);
napi_value from_bool(struct call *call, bool value);
/* A count, or the exception for a negative errno. */
napi_value from_count(struct call *call, long count);
void set(struct call *call, napi_value object, const char *name, napi_value value);
void set_text(struct call *call, napi_value object, const char *name, const char *value);

#endif
