#define _GNU_SOURCE
#include "cables.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

/* Frames read from one end before the others and what is due have their turn: about 100 us of work. */
#define READ_AT_ONCE 32
/* Jumbo frames at most. */
#define FRAME_MAX_BYTES 9216

int64_t now_monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int watch(int poll_fd, int fd, size_t end) {
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = end};
  return epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
}

struct cable *cables_add(struct cables *cables, int poll_fd, const char *name, struct end a, struct end b) {
  if (cables->count == CABLES_MAX || strlen(name) >= CABLE_NAME_BYTES || cables_find(cables, name) != NULL) {
    errno = EINVAL;
    return NULL;
  }
  struct cable *cable = &cables->cables[cables->count];
  memset(cable, 0, sizeof *cable);
  strcpy(cable->name, name);
  const struct end ends[2] = {a, b};
  for (size_t i = 0; i < 2; i++) {
    cable->fds[i] = tap_open(ends[i].namespace_name, ends[i].device);
    if (cable->fds[i] >= 0 && watch(poll_fd, cable->fds[i], 2 * cables->count + i) == 0) {
      direction_init(&cable->directions[i], cables->seed + 2 * cables->count + i, now_monotonic_ns());
      continue;
    }
    errno = cable->fds[i] < 0 ? -cable->fds[i] : errno;
    int error = errno;
    for (size_t j = 0; j <= i; j++) {
      if (cable->fds[j] >= 0) close(cable->fds[j]);
    }
    errno = error;
    return NULL;
  }
  cables->count++;
  return cable;
}

struct cable *cables_find(struct cables *cables, const char *name) {
  for (size_t i = 0; i < cables->count; i++) {
    if (strcmp(cables->cables[i].name, name) == 0) return &cables->cables[i];
  }
  return NULL;
}

void cables_read(struct cables *cables, size_t end) {
  struct cable *cable = &cables->cables[end / 2];
  struct direction *direction = &cable->directions[end % 2];
  uint8_t frame[FRAME_MAX_BYTES];
  for (int i = 0; i < READ_AT_ONCE; i++) {
    ssize_t bytes = read(cable->fds[end % 2], frame, sizeof frame);
    if (bytes <= 0) return;
    enum drop drop;
    int64_t due_ns = direction_admit(direction, now_monotonic_ns(), (size_t)bytes, &drop);
    if (due_ns < 0) continue;
    if (!in_flight_add(&cables->in_flight, due_ns, cable->fds[1 - end % 2], frame, (size_t)bytes)) {
      cables->out_of_memory++;
    }
  }
}

int64_t cables_deliver(struct cables *cables, int64_t until_ns) {
  const struct frame *frame;
  while ((frame = in_flight_first(&cables->in_flight)) != NULL && frame->due_ns <= until_ns) {
    int64_t late_ns = now_monotonic_ns() - frame->due_ns;
    int64_t bucket = late_ns > 0 ? late_ns / LATENESS_BUCKET_NS : 0;
    cables->lateness[bucket < LATENESS_BUCKETS ? bucket : LATENESS_BUCKETS - 1]++;
    if (write(frame->to_fd, frame->data, frame->bytes) < 0) cables->refused_by_kernel++;
    in_flight_remove_first(&cables->in_flight);
  }
  return frame == NULL ? -1 : frame->due_ns;
}

int64_t cables_lateness_ns(const struct cables *cables, double share) {
  uint64_t total = 0;
  for (size_t i = 0; i < LATENESS_BUCKETS; i++) total += cables->lateness[i];
  uint64_t seen = 0;
  for (size_t i = 0; i < LATENESS_BUCKETS; i++) {
    seen += cables->lateness[i];
    if (seen > 0 && (double)seen >= share * (double)total) return (int64_t)(i + 1) * LATENESS_BUCKET_NS;
  }
  return 0;
}
