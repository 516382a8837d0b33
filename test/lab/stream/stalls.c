#define _GNU_SOURCE
#include "stalls.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL
#define LOOK_EVERY_NS 250000
/* Beside programs that are busy in the kernel a thread wakes up 0.1 ms late; what is judged is judged to 1 ms. */
#define STALL_LEAST_NS 300000
#define CPUS_MAX 64
#define STALLS_MAX 65536

struct stall {
  int64_t from_ns, to_ns;
};

struct watch {
  pthread_t thread;
  int cpu;
  uint32_t count;
  struct stall *stalls;
};

static struct watch watches[CPUS_MAX];
static uint32_t watch_count;
static atomic_bool ended;
/* Of all CPUs, in order and apart from each other, once watching has ended. */
static struct stall *all;
static uint32_t all_count;

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void *look(void *argument) {
  struct watch *watch = argument;
  prctl(PR_SET_TIMERSLACK, 1);
  int64_t due_ns = now_ns();
  while (!ended && watch->count < STALLS_MAX) {
    due_ns += LOOK_EVERY_NS;
    struct timespec due = {.tv_sec = due_ns / NS_PER_S, .tv_nsec = due_ns % NS_PER_S};
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    int64_t woke_ns = now_ns();
    if (woke_ns - due_ns < STALL_LEAST_NS) continue;
    watch->stalls[watch->count++] = (struct stall){due_ns, woke_ns};
    due_ns = woke_ns;
  }
  return NULL;
}

static int start(struct watch *watch, int cpu) {
  watch->stalls = malloc(STALLS_MAX * sizeof *watch->stalls);
  if (watch->stalls == NULL) abort();
  /* Written before it is needed: a first touch would be a stall of its own. */
  memset(watch->stalls, 0, STALLS_MAX * sizeof *watch->stalls);
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  struct sched_param first = {.sched_priority = sched_get_priority_max(SCHED_FIFO)};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setaffinity_np(&attributes, sizeof only, &only);
  pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
  pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
  pthread_attr_setschedparam(&attributes, &first);
  int error = pthread_create(&watch->thread, &attributes, look, watch);
  pthread_attr_destroy(&attributes);
  return error;
}

void stalls_watch(void) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) < 0) return;
  for (int cpu = 0; cpu < CPU_SETSIZE && watch_count < CPUS_MAX; cpu++) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    int error = start(&watches[watch_count], cpu);
    if (error == 0) watch_count++;
    else fprintf(stderr, "udp-stream: stalls of CPU %d are not seen: %s\n", cpu, strerror(error));
  }
}

static int compare(const void *a, const void *b) {
  const struct stall *x = a, *y = b;
  return (x->from_ns > y->from_ns) - (x->from_ns < y->from_ns);
}

uint32_t stalls_end(void) {
  ended = true;
  uint32_t noted = 0;
  for (uint32_t i = 0; i < watch_count; i++) {
    pthread_join(watches[i].thread, NULL);
    noted += watches[i].count;
  }
  all = malloc((noted + 1) * sizeof *all);
  if (all == NULL) abort();
  uint32_t copied = 0;
  for (uint32_t i = 0; i < watch_count; i++) {
    memcpy(all + copied, watches[i].stalls, watches[i].count * sizeof *all);
    copied += watches[i].count;
  }
  qsort(all, copied, sizeof *all, compare);
  for (uint32_t i = 0; i < copied; i++) {
    struct stall *last = all_count > 0 ? &all[all_count - 1] : NULL;
    if (last == NULL || all[i].from_ns > last->to_ns) all[all_count++] = all[i];
    else if (all[i].to_ns > last->to_ns) last->to_ns = all[i].to_ns;
  }
  return all_count;
}

int64_t stalls_between_ns(int64_t from_ns, int64_t to_ns) {
  int64_t sum_ns = 0;
  for (uint32_t i = 0; i < all_count && all[i].from_ns < to_ns; i++) {
    int64_t begin_ns = all[i].from_ns > from_ns ? all[i].from_ns : from_ns;
    int64_t end_ns = all[i].to_ns < to_ns ? all[i].to_ns : to_ns;
    if (end_ns > begin_ns) sum_ns += end_ns - begin_ns;
  }
  return sum_ns;
}
