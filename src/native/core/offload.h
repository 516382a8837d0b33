/*
 * The cipher port (src/crypto/cipher.ts) on an offload device, with OpenSSL (aead.h) beside it: what the device does not take,
 * and everything while it is not trusted, is done in software. A batch is always finished when the call returns; the arena
 * keeps its source until a result was checked, so a job can be done again under the same nonce with the same text.
 *
 *   DOWN      no device, or one that failed. Tried again at the next batch after a pause that doubles up to a minute.
 *   UP        answered the known-answer test; used for batches of at least `least_batch` jobs.
 *
 * UP becomes DOWN, within the batch in which it is noticed, when a completion does not come in time, names no job that is
 * under way, was damaged on its way (check words), when the device has reset itself or reports a bus error, when a known answer
 * is wrong, or when one of the results that are compared with software's is (1 in `check_every`, and every wrong tag).
 *
 * Time on the driver's side is CLOCK_MONOTONIC; there is no thread and no timer: all of this happens inside calls.
 */
#ifndef SKYWIRE_OFFLOAD_H
#define SKYWIRE_OFFLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aead.h"

enum offload_reason {
  OFFLOAD_FINE,
  OFFLOAD_NO_DEVICE,      /* can't be opened, or its process has left */
  OFFLOAD_WRONG_DEVICE,   /* identification, version, or less memory than its rings need */
  OFFLOAD_NO_CLOCK,       /* its heartbeat stands */
  OFFLOAD_NO_RESET,       /* a reset did not end */
  OFFLOAD_WRONG_KNOWN_ANSWER,
  OFFLOAD_TIMEOUT,
  OFFLOAD_BUS_ERROR,
  OFFLOAD_RESET_ITSELF,
  OFFLOAD_STRAY_COMPLETION,
  OFFLOAD_DAMAGED,        /* a check word differs */
  OFFLOAD_REFUSED,        /* BAD_KEY or BAD_DESCRIPTOR for a job that was right */
  OFFLOAD_WRONG_ANSWER,   /* software came to another result */
  OFFLOAD_REASONS
};

struct offload_options {
  /* Batches with fewer jobs stay in software; 0: what is quicker is measured each time the device comes up. */
  uint32_t least_batch;
  uint32_t check_every;
  uint32_t self_test_ms;
  /* First pause after a failure. */
  uint32_t retry_ms;
};

struct offload_status {
  bool up;
  enum offload_reason reason; /* of the last failure; OFFLOAD_FINE when there was none */
  uint32_t least_batch;       /* in force; UINT32_MAX: the device is slower than software */
  uint32_t key_slots, keys_loaded, queues;
  uint64_t sealed, opened, wrong_tags;                   /* by the device */
  uint64_t software_down, software_small, software_shape; /* jobs that software did: device down, batch too small, job too long or of too much associated data */
  uint64_t software_key, software_full;                  /* no free key slot; ring full */
  uint64_t redone;                                       /* jobs under way when the device failed */
  uint64_t checked;                                      /* results compared with software's */
  uint64_t self_tests, times_up, key_loads;
  uint64_t failures[OFFLOAD_REASONS];
};

struct offload;

/* Never fails for lack of a device: it is tried at once and then again. NULL: no memory, or a name that offload_bus.h does not know. */
struct offload *offload_new(struct aead *software, const char *device, const struct offload_options *options);
void offload_free(struct offload *offload);

/* As aead.h's, slots included. */
long offload_add_key(struct offload *offload, const uint8_t key[AEAD_KEY_BYTES]);
int offload_remove_key(struct offload *offload, uint32_t slot);
int offload_seal(struct offload *offload, uint8_t *arena, size_t arena_bytes, uint32_t *jobs, size_t count);
int offload_open(struct offload *offload, uint8_t *arena, size_t arena_bytes, uint32_t *jobs, size_t count);

void offload_read_status(const struct offload *offload, struct offload_status *status);
const char *offload_reason_name(enum offload_reason reason);

#endif
