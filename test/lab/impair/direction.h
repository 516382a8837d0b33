/*
 * One direction of an impaired cable: a modem (rate and queue), then a wire (delay, jitter, loss, reordering). Pure: it gets the
 * time and says what becomes of a frame. Times are nanoseconds of CLOCK_MONOTONIC.
 *
 *   frame ──▶ queue, at most queue_bytes ──▶ rate ──▶ loss ──▶ delay +- jitter ──▶ due
 *
 * Loss comes behind the rate: a frame that is lost has used the wire, as on radio. Frames keep their order, also under jitter;
 * only those picked for reordering are overtaken. A change of the settings holds for the frames that come after it.
 */
#ifndef IMPAIR_DIRECTION_H
#define IMPAIR_DIRECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "random.h"

struct settings {
  double rate_bits;    /* bits a second of whole Ethernet frames without checksum; 0 is as fast as the machine */
  double queue_bytes;  /* what may wait behind the rate, the frame in service included; the rest is dropped at the tail */
  double delay_us;
  double jitter_us;    /* uniform, this much to either side; below delay_us */
  double loss;         /* share of single, independent losses */
  double burst_enter;  /* Gilbert-Elliott: chance, a frame, to enter the bad state, */
  double burst_leave;  /*   to leave it, */
  double burst_loss;   /*   and the share lost while in it */
  double reorder;      /* share of frames that are held back */
  double reorder_us;   /*   for so long, and overtaken meanwhile */
  double on;           /* 0: nothing passes, and nobody is told */
};

enum drop { DROP_NONE, DROP_OFF, DROP_QUEUE, DROP_LOSS, DROP_KINDS };

struct counters {
  int64_t since_ns;
  uint64_t frames, bytes; /* that came in */
  uint64_t passed_frames, passed_bytes;
  uint64_t dropped[DROP_KINDS];
  uint64_t reordered;
  double queue_max_bytes;
  double queue_byte_ns; /* sum of size times stay: the mean queue is this over the time */
  double busy_ns;       /* of the rate, counted when the frame is accepted */
};

struct direction {
  struct settings settings;
  struct counters counters;
  struct random random;
  int64_t free_at_ns; /* when the rate has sent all that it accepted */
  int64_t last_due_ns;
  bool bad; /* Gilbert-Elliott state */
};

void direction_init(struct direction *direction, uint64_t seed, int64_t now_ns);

/* When the frame arrives at the other end, or -1 when it never does: then *drop says why. */
int64_t direction_admit(struct direction *direction, int64_t now_ns, size_t bytes, enum drop *drop);

/* Starts counting anew; what waits at the moment stays on the account. */
void direction_reset_counters(struct direction *direction, int64_t now_ns);

double direction_queue_mean_bytes(const struct direction *direction, int64_t now_ns);

/* Share of the time since the counters began in which the rate was sending, 0 to 1. */
double direction_busy_share(const struct direction *direction, int64_t now_ns);

#endif
