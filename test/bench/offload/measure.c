/*
 * An addon for test/bench/offload.ts alone: times the real driver (core/offload.c) against the instant device, and software's
 * work on the same datagrams, in this process. Core and model are compiled in; OpenSSL comes from Node, as in the real addon.
 */
#include <node_api.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/aead.h"
#include "core/offload.h"
#include "instant_device.h"

#define BATCH 64
#define TEXT_BYTES 1404 /* with the header's 16 bytes of associated data a datagram of 1,420, tag apart */
#define ASSOCIATED_BYTES 16
#define STRIDE (ASSOCIATED_BYTES + TEXT_BYTES + AEAD_TAG_BYTES)

static uint64_t cpu_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void make_jobs(uint32_t *jobs, uint32_t slot) {
  for (uint32_t i = 0; i < BATCH; i++) {
    const uint32_t job[AEAD_JOB_WORDS] = {slot, 0, i, i * STRIDE, ASSOCIATED_BYTES, TEXT_BYTES, 0, 0};
    memcpy(jobs + i * AEAD_JOB_WORDS, job, sizeof job);
  }
}

static void set(napi_env env, napi_value object, const char *name, double value) {
  napi_value number;
  napi_create_double(env, value, &number);
  napi_set_named_property(env, object, name, number);
}

/* measure(batches): nanoseconds of CPU a datagram */
static napi_value measure(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_value object;
  uint32_t batches = 0;
  static const uint8_t key[AEAD_KEY_BYTES] = {7};
  static uint8_t arena[BATCH * STRIDE];
  static uint32_t jobs[BATCH * AEAD_JOB_WORDS];
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  napi_get_value_uint32(env, argument, &batches);
  struct aead *software = aead_new();
  /* Nothing is compared with software's and no test is due: those cost what they cost once in thousands of datagrams. */
  const struct offload_options options = {.least_batch = 1, .check_every = UINT32_MAX, .self_test_ms = 3600000, .retry_ms = 1000};
  struct offload *offload = offload_new(software, "instant", &options);
  struct offload_status status;
  long slot = offload_add_key(offload, key);
  make_jobs(jobs, (uint32_t)slot);
  if (offload_seal(offload, arena, sizeof arena, jobs, BATCH) < 0) abort();
  instant_device_pretend(true);
  napi_create_object(env, &object);
  double jobs_run = (double)batches * BATCH;
  for (int opens = 0; opens < 2; opens++) {
    uint64_t device = instant_device_ns();
    uint64_t begun = cpu_ns();
    for (uint32_t i = 0; i < batches; i++) (void)(opens ? offload_open : offload_seal)(offload, arena, sizeof arena, jobs, BATCH);
    double all = (double)(cpu_ns() - begun);
    double model = (double)(instant_device_ns() - device);
    set(env, object, opens ? "driverOpenNs" : "driverSealNs", (all - model) / jobs_run);
  }
  offload_read_status(offload, &status);
  set(env, object, "sealed", (double)status.sealed);
  set(env, object, "opened", (double)status.opened);
  uint64_t begun = cpu_ns();
  for (uint32_t i = 0; i < batches; i++) (void)aead_seal(software, arena, sizeof arena, jobs, BATCH);
  set(env, object, "softwareSealNs", (double)(cpu_ns() - begun) / jobs_run);
  begun = cpu_ns();
  for (uint32_t i = 0; i < batches; i++) {
    (void)aead_seal(software, arena, sizeof arena, jobs, BATCH);
    (void)aead_open(software, arena, sizeof arena, jobs, BATCH);
  }
  set(env, object, "softwareSealAndOpenNs", (double)(cpu_ns() - begun) / jobs_run);
  instant_device_pretend(false);
  offload_free(offload);
  aead_free(software);
  return object;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "measure", NAPI_AUTO_LENGTH, measure, NULL, &function);
  napi_set_named_property(env, exports, "measure", function);
  return exports;
}
