#include "timer.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define US_PER_SECOND 1000000
#define NS_PER_US 1000

int timer_open(struct timer *timer) {
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0) return -errno;
  *timer = (struct timer){.fd = fd};
  return 0;
}

void timer_close(struct timer *timer) {
  close(timer->fd);
  timer->fd = -1;
}

int timer_arm(struct timer *timer, uint32_t delay_us) {
  struct itimerspec when = {.it_value = {.tv_sec = delay_us / US_PER_SECOND,
                                         .tv_nsec = (long)(delay_us % US_PER_SECOND) * NS_PER_US}};
  if (delay_us == 0) when.it_value.tv_nsec = 1; /* all zero would disarm it */
  return timerfd_settime(timer->fd, 0, &when, NULL) < 0 ? -errno : 0;
}

bool timer_take(struct timer *timer) {
  uint64_t times;
  return read(timer->fd, &times, sizeof times) == (ssize_t)sizeof times;
}
