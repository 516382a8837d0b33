/*
 * The batches that JavaScript owns (src/base/datagram.ts), as the core sees them: one arena and parallel arrays.
 *
 * Whoever fills one in has checked that each pointer holds as many elements as the sizes here say. What stands *in* the
 * arrays came from JavaScript all the same: the core checks every offset and length against the arena before using it.
 */
#ifndef SKYWIRE_BATCH_H
#define SKYWIRE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* socket index (1) | family 4 or 6 (1) | port u16 | address (16) | scope id u32; big-endian. */
#define ENDPOINT_BYTES 24

struct batch {
  uint8_t *arena;
  size_t arena_bytes;
  uint32_t *offsets;
  uint32_t *lengths;
  uint8_t *endpoints; /* capacity * ENDPOINT_BYTES; NULL in a batch of packets */
  uint16_t *segments; /* of packets: payload of each segment of a superpacket, 0 for a single one; NULL: single ones only */
  size_t capacity;
};

/* Whether entries 0 to count - 1 exist and lie inside the arena. */
static inline bool batch_holds(const struct batch *batch, size_t count) {
  if (count > batch->capacity) return false;
  for (size_t i = 0; i < count; i++) {
    if ((uint64_t)batch->offsets[i] + batch->lengths[i] > batch->arena_bytes) return false;
  }
  return true;
}

#endif
