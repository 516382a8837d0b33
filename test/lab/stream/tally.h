/* What became of each packet of a stream, by its number. Times are ns of CLOCK_MONOTONIC. */
#ifndef STREAM_TALLY_H
#define STREAM_TALLY_H

#include <stdint.h>

#define NOT_ARRIVED (-1)

struct tally {
  uint32_t room; /* packets that can be told apart */
  uint32_t first; /* the packets before this one do not count */
  uint32_t sent;
  int64_t *sent_at_ns;
  int64_t *delay_ns; /* of its first arrival, or NOT_ARRIVED */
  uint64_t duplicates, reordered;
  int64_t highest; /* number that arrived, -1 at first */
};

void tally_init(struct tally *tally, uint32_t room);
void tally_sent(struct tally *tally, int64_t now_ns);
void tally_arrived(struct tally *tally, uint32_t number, int64_t now_ns);

/* One line of JSON on stdout. `bytes` is the payload of a packet; of `stalls` stalls.h knows when they were. */
void tally_print(const struct tally *tally, uint32_t bytes, double within_ms, uint32_t stalls);

#endif
