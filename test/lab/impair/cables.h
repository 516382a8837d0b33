/* The cables between the TAP ends: moves the frames, and holds what both the loop and the commands look at. */
#ifndef IMPAIR_CABLES_H
#define IMPAIR_CABLES_H

#include "direction.h"
#include "in_flight.h"

#define CABLES_MAX 32
#define CABLE_NAME_BYTES 32

/* How late frames leave, which is how well all else can be trusted: 20 us a bucket, the last one for all above 20 ms. */
#define LATENESS_BUCKET_NS 20000
#define LATENESS_BUCKETS 1001

struct cable {
  char name[CABLE_NAME_BYTES];
  int fds[2];                     /* ends a and b */
  struct direction directions[2]; /* from a to b, from b to a */
};

struct cables {
  struct cable cables[CABLES_MAX];
  size_t count;
  uint64_t seed;
  struct in_flight in_flight;
  uint64_t refused_by_kernel; /* the end was down or its queue was full */
  uint64_t out_of_memory;
  uint64_t lateness[LATENESS_BUCKETS];
};

struct end {
  const char *namespace_name;
  const char *device;
};

/* Lays a cable; the poll set gets both ends. Returns the cable, or NULL with errno set. */
struct cable *cables_add(struct cables *cables, int poll_fd, const char *name, struct end a, struct end b);

struct cable *cables_find(struct cables *cables, const char *name);

/* Takes in what the end of this number (twice the cable, plus one for b) has sent, up to a fair share. */
void cables_read(struct cables *cables, size_t end);

/* Hands over all that is due until then; returns when the next frame is, or -1 when nothing is under way. */
int64_t cables_deliver(struct cables *cables, int64_t until_ns);

/* ns that this share of the frames was at most late, to the bucket above. */
int64_t cables_lateness_ns(const struct cables *cables, double share);

int64_t now_monotonic_ns(void);

#endif
