#include "tally.h"

#include <stdio.h>
#include <stdlib.h>

#include "stalls.h"

void tally_init(struct tally *tally, uint32_t room) {
  *tally = (struct tally){.room = room, .highest = -1};
  tally->sent_at_ns = malloc(room * sizeof *tally->sent_at_ns);
  tally->delay_ns = malloc(room * sizeof *tally->delay_ns);
  if (tally->sent_at_ns == NULL || tally->delay_ns == NULL) abort();
}

void tally_sent(struct tally *tally, int64_t now_ns) {
  tally->sent_at_ns[tally->sent] = now_ns;
  tally->delay_ns[tally->sent] = NOT_ARRIVED;
  tally->sent++;
}

void tally_arrived(struct tally *tally, uint32_t number, int64_t now_ns) {
  if (number >= tally->sent) return;
  if (tally->delay_ns[number] != NOT_ARRIVED) {
    tally->duplicates++;
    return;
  }
  tally->delay_ns[number] = now_ns - tally->sent_at_ns[number];
  if (number < tally->highest) tally->reordered++;
  else tally->highest = number;
}

static int compare(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static double percentile_ms(const int64_t *sorted, uint32_t count, double share) {
  if (count == 0) return -1;
  uint32_t at = (uint32_t)(share * count);
  return (double)sorted[at < count ? at : count - 1] / 1e6;
}

struct losses {
  uint32_t lost, runs, longest;
};

static struct losses count_losses(const struct tally *tally) {
  struct losses losses = {0};
  uint32_t run = 0;
  for (uint32_t i = tally->first; i < tally->sent; i++) {
    if (tally->delay_ns[i] != NOT_ARRIVED) {
      run = 0;
      continue;
    }
    losses.lost++;
    if (run++ == 0) losses.runs++;
    if (run > losses.longest) losses.longest = run;
  }
  return losses;
}

/* The 99th percentile of the delays, each less what the machine stood still while its packet was under way. */
static double p99_less_stalls_ms(const struct tally *tally, int64_t *sorted) {
  uint32_t count = 0;
  for (uint32_t i = tally->first; i < tally->sent; i++) {
    int64_t delay_ns = tally->delay_ns[i], sent_ns = tally->sent_at_ns[i];
    if (delay_ns != NOT_ARRIVED) sorted[count++] = delay_ns - stalls_between_ns(sent_ns, sent_ns + delay_ns);
  }
  qsort(sorted, count, sizeof *sorted, compare);
  return percentile_ms(sorted, count, 0.99);
}

void tally_print(const struct tally *tally, uint32_t bytes, double within_ms, uint32_t stalls) {
  uint32_t offered = tally->sent - tally->first;
  int64_t *sorted = malloc((offered + 1) * sizeof *sorted);
  int64_t *less = malloc((offered + 1) * sizeof *less);
  if (sorted == NULL || less == NULL) abort();
  uint32_t count = 0, within = 0, while_sending = 0;
  int64_t begin_ns = offered > 0 ? tally->sent_at_ns[tally->first] : 0;
  int64_t end_ns = offered > 0 ? tally->sent_at_ns[tally->sent - 1] : 0;
  double sum_ms = 0;
  /* The rate is that of arrivals while the stream runs, whenever they were sent: what queues at first and arrives at last evens out. */
  for (uint32_t i = 0; i < tally->sent; i++) {
    int64_t at_ns = tally->sent_at_ns[i] + tally->delay_ns[i];
    if (tally->delay_ns[i] != NOT_ARRIVED && at_ns >= begin_ns && at_ns < end_ns) while_sending++;
  }
  for (uint32_t i = tally->first; i < tally->sent; i++) {
    if (tally->delay_ns[i] == NOT_ARRIVED) continue;
    sorted[count++] = tally->delay_ns[i];
    sum_ms += (double)tally->delay_ns[i] / 1e6;
    if ((double)tally->delay_ns[i] <= within_ms * 1e6) within++;
  }
  qsort(sorted, count, sizeof *sorted, compare);
  struct losses losses = count_losses(tally);
  double seconds = (double)(end_ns - begin_ns) / 1e9;
  printf("{\"sent\":%u,\"received\":%u,\"duplicates\":%lu,\"reordered\":%lu,\"lost\":%u,\"lossRuns\":%u,\"longestLossRun\":%u,"
         "\"withinShare\":%.5f,\"arrivedMbit\":%.4f,\"meanMs\":%.3f,\"minMs\":%.3f,\"p50Ms\":%.3f,\"p95Ms\":%.3f,"
         "\"p99Ms\":%.3f,\"maxMs\":%.3f,\"stalls\":%u,\"stalledMs\":%.3f,\"p99LessStallsMs\":%.3f}\n",
         offered, count, tally->duplicates, tally->reordered, losses.lost, losses.runs, losses.longest,
         offered > 0 ? (double)within / offered : 0, seconds > 0 ? (double)while_sending * bytes * 8 / seconds / 1e6 : 0,
         count > 0 ? sum_ms / count : -1, percentile_ms(sorted, count, 0), percentile_ms(sorted, count, 0.5),
         percentile_ms(sorted, count, 0.95), percentile_ms(sorted, count, 0.99), percentile_ms(sorted, count, 1), stalls,
         (double)stalls_between_ns(begin_ns, end_ns) / 1e6, p99_less_stalls_ms(tally, less));
  free(sorted);
  free(less);
}
