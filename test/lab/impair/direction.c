#include "direction.h"

#include <string.h>

#define NS_PER_US 1e3
#define NS_PER_S 1e9

void direction_init(struct direction *direction, uint64_t seed, int64_t now_ns) {
  memset(direction, 0, sizeof *direction);
  direction->settings = (struct settings){.on = 1, .queue_bytes = 65536, .burst_leave = 1, .burst_loss = 1};
  direction->counters.since_ns = now_ns;
  random_seed(&direction->random, seed);
}

/* What the rate has accepted and not sent yet, in ns of its own time. */
static double backlog_ns(const struct direction *direction, int64_t now_ns) {
  return direction->free_at_ns > now_ns ? (double)(direction->free_at_ns - now_ns) : 0;
}

/* When the last bit has left the modem, or -1 when the queue is full. */
static int64_t serialize(struct direction *direction, int64_t now_ns, size_t bytes) {
  double rate_bits = direction->settings.rate_bits;
  struct counters *counters = &direction->counters;
  /* A frame behind others that a former, slower rate still holds does not pass them. */
  int64_t start_ns = direction->free_at_ns > now_ns ? direction->free_at_ns : now_ns;
  if (rate_bits <= 0) return start_ns;
  double queued_bytes = backlog_ns(direction, now_ns) * rate_bits / (8 * NS_PER_S) + (double)bytes;
  if (queued_bytes > direction->settings.queue_bytes) return -1;
  double service_ns = (double)bytes * 8 * NS_PER_S / rate_bits;
  direction->free_at_ns = start_ns + (int64_t)service_ns;
  if (queued_bytes > counters->queue_max_bytes) counters->queue_max_bytes = queued_bytes;
  counters->queue_byte_ns += (double)bytes * (double)(direction->free_at_ns - now_ns);
  counters->busy_ns += service_ns;
  return direction->free_at_ns;
}

static bool is_lost(struct direction *direction) {
  const struct settings *settings = &direction->settings;
  struct random *random = &direction->random;
  if (direction->bad ? random_chance(random, settings->burst_leave) : random_chance(random, settings->burst_enter)) {
    direction->bad = !direction->bad;
  }
  return random_chance(random, direction->bad ? settings->burst_loss : settings->loss);
}

static enum drop fate(struct direction *direction, int64_t now_ns, size_t bytes, int64_t *sent_ns) {
  if (direction->settings.on == 0) return DROP_OFF;
  *sent_ns = serialize(direction, now_ns, bytes);
  if (*sent_ns < 0) return DROP_QUEUE;
  return is_lost(direction) ? DROP_LOSS : DROP_NONE;
}

int64_t direction_admit(struct direction *direction, int64_t now_ns, size_t bytes, enum drop *drop) {
  const struct settings *settings = &direction->settings;
  struct counters *counters = &direction->counters;
  int64_t sent_ns = 0;
  counters->frames++;
  counters->bytes += bytes;
  *drop = fate(direction, now_ns, bytes, &sent_ns);
  counters->dropped[*drop]++;
  if (*drop != DROP_NONE) return -1;

  counters->passed_frames++;
  counters->passed_bytes += bytes;
  double jitter_us = settings->jitter_us * (2 * random_unit(&direction->random) - 1);
  int64_t due_ns = sent_ns + (int64_t)((settings->delay_us + jitter_us) * NS_PER_US);
  if (random_chance(&direction->random, settings->reorder)) {
    counters->reordered++;
    return due_ns + (int64_t)(settings->reorder_us * NS_PER_US);
  }
  if (due_ns < direction->last_due_ns) due_ns = direction->last_due_ns;
  direction->last_due_ns = due_ns;
  return due_ns;
}

void direction_reset_counters(struct direction *direction, int64_t now_ns) {
  direction->counters = (struct counters){.since_ns = now_ns, .busy_ns = backlog_ns(direction, now_ns)};
}

double direction_queue_mean_bytes(const struct direction *direction, int64_t now_ns) {
  double elapsed_ns = (double)(now_ns - direction->counters.since_ns);
  return elapsed_ns > 0 ? direction->counters.queue_byte_ns / elapsed_ns : 0;
}

double direction_busy_share(const struct direction *direction, int64_t now_ns) {
  double elapsed_ns = (double)(now_ns - direction->counters.since_ns);
  return elapsed_ns > 0 ? (direction->counters.busy_ns - backlog_ns(direction, now_ns)) / elapsed_ns : 0;
}
