#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define WORDS_MAX 32

struct words {
  char *word[WORDS_MAX];
  size_t count;
};

static const struct {
  const char *key;
  size_t at;
} SETTING_KEYS[] = {
    {"rate_bits", offsetof(struct settings, rate_bits)},     {"queue_bytes", offsetof(struct settings, queue_bytes)},
    {"delay_us", offsetof(struct settings, delay_us)},       {"jitter_us", offsetof(struct settings, jitter_us)},
    {"loss", offsetof(struct settings, loss)},               {"burst_enter", offsetof(struct settings, burst_enter)},
    {"burst_leave", offsetof(struct settings, burst_leave)}, {"burst_loss", offsetof(struct settings, burst_loss)},
    {"reorder", offsetof(struct settings, reorder)},         {"reorder_us", offsetof(struct settings, reorder_us)},
    {"on", offsetof(struct settings, on)},
};

static void fail(char *answer, const char *why) { snprintf(answer, ANSWER_BYTES, "{\"error\":\"%s\"}", why); }

static void lay(struct cables *cables, int poll_fd, const struct words *words, char *answer) {
  if (words->count != 6) return fail(answer, "cable NAME NAMESPACE-A DEVICE-A NAMESPACE-B DEVICE-B");
  const struct end a = {words->word[2], words->word[3]};
  const struct end b = {words->word[4], words->word[5]};
  if (cables_add(cables, poll_fd, words->word[1], a, b) == NULL) return fail(answer, strerror(errno));
  strcpy(answer, "{}");
}

static bool change(struct settings *settings, const char *key, const char *text) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= 0)) return false;
  for (size_t i = 0; i < sizeof SETTING_KEYS / sizeof SETTING_KEYS[0]; i++) {
    if (strcmp(key, SETTING_KEYS[i].key) != 0) continue;
    memcpy((char *)settings + SETTING_KEYS[i].at, &value, sizeof value);
    return true;
  }
  return false;
}

static void set(struct cables *cables, const struct words *words, char *answer) {
  struct cable *cable = words->count >= 5 && words->count % 2 == 1 ? cables_find(cables, words->word[1]) : NULL;
  if (cable == NULL) return fail(answer, "set NAME ab|ba|both KEY VALUE ...");
  bool ab = strcmp(words->word[2], "ba") != 0;
  bool ba = strcmp(words->word[2], "ab") != 0;
  for (size_t i = 0; i < 2; i++) {
    if (!(i == 0 ? ab : ba)) continue;
    for (size_t at = 3; at < words->count; at += 2) {
      if (!change(&cable->directions[i].settings, words->word[at], words->word[at + 1])) {
        return fail(answer, "no such setting, or a value that is no number from 0 upwards");
      }
    }
  }
  strcpy(answer, "{}");
}

static int describe(const struct direction *direction, int64_t now_ns, char *to, size_t room) {
  const struct counters *counters = &direction->counters;
  return snprintf(
      to, room,
      "{\"seconds\":%.6f,\"frames\":%lu,\"bytes\":%lu,\"passedFrames\":%lu,\"passedBytes\":%lu,\"droppedOff\":%lu,"
      "\"droppedQueue\":%lu,\"droppedLoss\":%lu,\"reordered\":%lu,\"queueMaxBytes\":%.0f,\"queueMeanBytes\":%.1f,"
      "\"busyShare\":%.5f}",
      (double)(now_ns - counters->since_ns) / 1e9, counters->frames, counters->bytes, counters->passed_frames,
      counters->passed_bytes, counters->dropped[DROP_OFF], counters->dropped[DROP_QUEUE], counters->dropped[DROP_LOSS],
      counters->reordered, counters->queue_max_bytes, direction_queue_mean_bytes(direction, now_ns),
      direction_busy_share(direction, now_ns));
}

static void stats(struct cables *cables, const struct words *words, char *answer) {
  const struct cable *cable = words->count == 2 ? cables_find(cables, words->word[1]) : NULL;
  if (cable == NULL) return fail(answer, "stats NAME");
  int64_t now_ns = now_monotonic_ns();
  char ab[ANSWER_BYTES / 2 - 16], ba[ANSWER_BYTES / 2 - 16];
  describe(&cable->directions[0], now_ns, ab, sizeof ab);
  describe(&cable->directions[1], now_ns, ba, sizeof ba);
  snprintf(answer, ANSWER_BYTES, "{\"ab\":%s,\"ba\":%s}", ab, ba);
}

static void reset(struct cables *cables, char *answer) {
  int64_t now_ns = now_monotonic_ns();
  for (size_t i = 0; i < 2 * cables->count; i++) {
    direction_reset_counters(&cables->cables[i / 2].directions[i % 2], now_ns);
  }
  memset(cables->lateness, 0, sizeof cables->lateness);
  cables->refused_by_kernel = 0;
  cables->out_of_memory = 0;
  strcpy(answer, "{}");
}

static double seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

static void health(const struct cables *cables, char *answer) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  snprintf(answer, ANSWER_BYTES,
           "{\"lateP50Us\":%.0f,\"lateP99Us\":%.0f,\"lateMaxUs\":%.0f,\"cpuSeconds\":%.3f,\"refusedByKernel\":%lu,"
           "\"outOfMemory\":%lu}",
           (double)cables_lateness_ns(cables, 0.5) / 1e3, (double)cables_lateness_ns(cables, 0.99) / 1e3,
           (double)cables_lateness_ns(cables, 1) / 1e3, seconds(usage.ru_utime) + seconds(usage.ru_stime),
           cables->refused_by_kernel, cables->out_of_memory);
}

void command_run(struct cables *cables, int poll_fd, char *line, char answer[ANSWER_BYTES]) {
  struct words words = {.count = 0};
  char *rest;
  for (char *word = strtok_r(line, " \r", &rest); word != NULL && words.count < WORDS_MAX; word = strtok_r(NULL, " \r", &rest)) {
    words.word[words.count++] = word;
  }
  const char *name = words.count > 0 ? words.word[0] : "";
  if (strcmp(name, "cable") == 0) return lay(cables, poll_fd, &words, answer);
  if (strcmp(name, "set") == 0) return set(cables, &words, answer);
  if (strcmp(name, "stats") == 0) return stats(cables, &words, answer);
  if (strcmp(name, "reset") == 0) return reset(cables, answer);
  if (strcmp(name, "health") == 0) return health(cables, answer);
  fail(answer, "no such command");
}
