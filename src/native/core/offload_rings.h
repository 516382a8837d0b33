/*
 * The rings of an offload device (docs/offload-registers.md) in the memory that both sides see: descriptors in, completions
 * out, and for each ring entry a place for the source and one for the result. Knows nothing of trust or fallback.
 */
#ifndef SKYWIRE_OFFLOAD_RINGS_H
#define SKYWIRE_OFFLOAD_RINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "offload_bus.h"

#define OFFLOAD_MAX_QUEUES 4
#define OFFLOAD_LONGEST_ASSOCIATED 16

struct offload_entry {
  uint32_t *words; /* the job (src/crypto/cipher.ts); NULL when the entry is free */
  uint32_t cookie;
  uint32_t check_in;
  uint8_t operation;
};

struct offload_queue {
  bool barrel;
  uint32_t longest; /* bytes of text */
  uint32_t entries_log2;
  uint32_t stride; /* bytes of a source or a result */
  uint8_t *submissions;
  uint8_t *completions;
  uint8_t *buffers;
  uint32_t submitted; /* since the start */
  uint32_t rung;
  uint32_t taken;
  struct offload_entry *entries;
};

struct offload_rings {
  const struct offload_bus *bus;
  uint16_t epoch;
  uint32_t count;
  struct offload_queue queues[OFFLOAD_MAX_QUEUES];
};

/* A completion that is in order. `result` lies in shared memory: text and, when sealed, the tag at the next multiple of 16. */
struct offload_result {
  uint32_t *words;
  uint8_t operation;
  uint8_t status;
  bool undamaged;
  const uint8_t *result;
};

/* Lays the queues out as the device's registers describe them. -ENOMEM, or -EINVAL for a device that makes no sense. */
int offload_rings_init(struct offload_rings *rings, const struct offload_bus *bus);
void offload_rings_free(struct offload_rings *rings);
/* After a reset of the device: empties the rings, tells it where they are, lets it run. */
void offload_rings_start(struct offload_rings *rings, uint16_t epoch);

/* False when the ring is full. The arena is only read. */
bool offload_submit(struct offload_rings *rings, uint32_t queue, uint8_t operation, uint32_t handle, const uint8_t nonce[12],
                    uint32_t *words, const uint8_t *arena);
/* Tells the device of what was submitted since the last time. */
void offload_ring(struct offload_rings *rings);
uint32_t offload_under_way(const struct offload_rings *rings);
/* 1 with the next completion, 0 when there is none yet, -1 when there is one that no job under way explains. */
int offload_take(struct offload_rings *rings, uint32_t queue, struct offload_result *result);
/* Forgets what is under way; the jobs' words are left as they are. */
void offload_abandon(struct offload_rings *rings);

static inline uint32_t offload_rounded(uint32_t bytes) { return (bytes + 15) & ~15u; }

#endif
