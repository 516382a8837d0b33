/*
 * One timer on the monotonic clock that fires to about 50 microseconds: Linux' timerfd, whose descriptor becomes readable
 * when it is due. libuv's own timers count whole milliseconds.
 *
 * Functions return 0, or a negative errno. Nothing here blocks and nothing allocates.
 */
#ifndef SKYWIRE_TIMER_H
#define SKYWIRE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct timer {
  int fd;
};

int timer_open(struct timer *timer);
void timer_close(struct timer *timer);

/* Fires once, `delay_us` from now, and no more at the time that was set before. 0: as soon as it can. */
int timer_arm(struct timer *timer, uint32_t delay_us);

/* Whether it fired since it was armed. False also when it was armed anew after it became readable. */
bool timer_take(struct timer *timer);

#endif
