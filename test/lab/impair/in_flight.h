/* The frames that are under way: a binary heap by when they are due, in order of arrival where that is equal. */
#ifndef IMPAIR_IN_FLIGHT_H
#define IMPAIR_IN_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 200 Mb/s over two seconds of delay are 50 MB; more is a mistake in a lab, and is counted as one. */
#define IN_FLIGHT_MAX_BYTES ((size_t)256 << 20)

struct frame {
  int64_t due_ns;
  uint64_t arrival;
  int to_fd;
  size_t bytes;
  uint8_t *data; /* owned by the heap */
};

struct in_flight {
  struct frame *frames;
  size_t count, capacity;
  size_t held_bytes;
  uint64_t arrivals;
};

/* Takes a copy of the frame; false when there is no memory for it. */
bool in_flight_add(struct in_flight *in_flight, int64_t due_ns, int to_fd, const uint8_t *data, size_t bytes);

/* The frame that is due next, or NULL. */
const struct frame *in_flight_first(const struct in_flight *in_flight);

/* Forgets the frame that is due next. */
void in_flight_remove_first(struct in_flight *in_flight);

#endif
