/*
 * An offload device that writes anything anywhere into the memory it shares, at any time: wild completions, right ones twice,
 * late or damaged. Each job under way is given back at most once, with a result that lies inside that memory, and none
 * that was never submitted.
 */
#include <errno.h>

#include "core/offload_abi.h"
#include "core/offload_rings.h"
#include "fuzz_input.h"

#define MEMORY_STEP 4096
#define MEMORY_STEPS 64
#define JOBS 512

struct story {
  struct offload_bus bus;
  struct offload_rings rings;
  uint32_t words[JOBS][8];
  bool under_way[JOBS];
  uint32_t count;
  uint32_t next;
};

static void set_register(struct story *story, uint32_t offset, uint32_t value) { story->bus.page[offset / 4] = value; }

static void submit(struct story *story, struct fuzz_input *input) {
  static const uint8_t arena[MEMORY_STEP * MEMORY_STEPS + 64];
  static const uint8_t nonce[12];
  uint32_t number = fuzz_u8(input) % story->rings.count;
  const struct offload_queue *queue = &story->rings.queues[number];
  uint32_t *words = story->words[story->next];
  if (story->under_way[story->next]) return;
  words[3] = fuzz_u8(input) % 16;
  words[4] = fuzz_u8(input) % (OFFLOAD_LONGEST_ASSOCIATED + 1);
  words[5] = fuzz_u16(input) % (queue->longest + 1);
  uint8_t operation = (words[3] & 1) != 0 ? OFFLOAD_OPERATION_SEAL : OFFLOAD_OPERATION_OPEN;
  if (!offload_submit(&story->rings, number, operation, 1, nonce, words, arena)) return;
  story->under_way[story->next] = true;
  story->count++;
  story->next = (story->next + 1) % JOBS;
}

/* What a device of good will would write for one of the jobs, the last one again included, but for a byte here and there. */
static void complete(struct story *story, struct fuzz_input *input) {
  struct offload_queue *queue = &story->rings.queues[fuzz_u8(input) % story->rings.count];
  uint32_t mask = (1u << queue->entries_log2) - 1;
  uint32_t cookie = queue->taken + fuzz_u8(input) % 4 - 1;
  const struct offload_entry *entry = &queue->entries[cookie & mask];
  uint32_t phase = (queue->taken >> queue->entries_log2 & 1) == 0;
  uint8_t *completion = queue->completions + (size_t)(queue->taken & mask) * OFFLOAD_COMPLETION_BYTES;
  uint32_t last = fuzz_u8(input) % 6u | phase << 8 | (uint32_t)story->rings.epoch << 16;
  uint8_t spoilt = fuzz_u8(input) & 0x83;
  memcpy(completion + OFFLOAD_COMPLETION_COOKIE, &cookie, 4);
  memcpy(completion + OFFLOAD_COMPLETION_CHECK_IN, &entry->check_in, 4);
  memcpy(completion + OFFLOAD_COMPLETION_STATUS, &last, 4);
  if (spoilt != 0) completion[spoilt % OFFLOAD_COMPLETION_BYTES] ^= spoilt;
}

static void scribble(struct story *story, struct fuzz_input *input) {
  size_t at = fuzz_below(input, (uint32_t)story->bus.memory_bytes);
  size_t count = fuzz_u8(input);
  if (count > story->bus.memory_bytes - at) count = story->bus.memory_bytes - at;
  fuzz_bytes(input, story->bus.memory + at, count);
}

static void take(struct story *story, struct fuzz_input *input) {
  uint32_t queue = fuzz_u8(input) % story->rings.count;
  struct offload_result result;
  int taken = offload_take(&story->rings, queue, &result);
  FUZZ_EXPECT(taken >= -1 && taken <= 1);
  if (taken != 1) return;
  size_t index = (size_t)(result.words - story->words[0]) / 8;
  FUZZ_EXPECT(index < JOBS && story->under_way[index] && result.words == story->words[index]);
  story->under_way[index] = false;
  story->count--;
  size_t at = (size_t)(result.result - story->bus.memory);
  FUZZ_EXPECT(at + offload_rounded(result.words[5]) + 16 <= story->bus.memory_bytes);
}

static void abandon(struct story *story, uint16_t epoch) {
  if (epoch == 0) offload_abandon(&story->rings);
  else offload_rings_start(&story->rings, epoch);
  memset(story->under_way, 0, sizeof story->under_way);
  story->count = 0;
}

static void tell(struct story *story, struct fuzz_input *input) {
  abandon(story, 1);
  while (input->left > 0) {
    uint8_t what = fuzz_u8(input) % 16;
    if (what < 6) submit(story, input);
    else if (what < 7) offload_ring(&story->rings);
    else if (what < 10) complete(story, input);
    else if (what < 12) scribble(story, input);
    else if (what < 15) take(story, input);
    else abandon(story, fuzz_u8(input));
    FUZZ_EXPECT(offload_under_way(&story->rings) == story->count);
  }
}

/* The registers that say what it can do: mostly a device that may be, with short rings so that they go round. */
static void describe(struct story *story, struct fuzz_input *input) {
  bool sane = (fuzz_u8(input) & 7) != 0;
  uint32_t caps = fuzz_u32(input);
  if (sane) caps = (1 + caps % OFFLOAD_MAX_QUEUES) << OFFLOAD_CAPS_QUEUES_SHIFT | (caps >> 8 & 3) << OFFLOAD_CAPS_RING_LOG2_MAX_SHIFT;
  set_register(story, OFFLOAD_REG_CAPS, caps);
  for (uint32_t i = 0; i < OFFLOAD_MAX_QUEUES; i++) {
    uint32_t longest = sane ? 1 + fuzz_below(input, 2048) : fuzz_u32(input);
    set_register(story, OFFLOAD_REG_QUEUE_LONGEST + i * OFFLOAD_REG_QUEUE_LONGEST_STRIDE, longest);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  static struct story story;
  struct fuzz_input input = {.bytes = bytes, .left = count};
  size_t memory_bytes = (size_t)MEMORY_STEP * (1 + fuzz_u8(&input) % MEMORY_STEPS);
  story = (struct story){.bus = {.memory_bytes = memory_bytes, .bus_address = 0xfffff000}};
  story.bus.socket_fd = story.bus.doorbell_fd = story.bus.interrupt_fd = story.bus.memory_fd = -1;
  story.bus.page = calloc(1, OFFLOAD_REGISTER_PAGE_BYTES);
  story.bus.memory = aligned_alloc(MEMORY_STEP, memory_bytes);
  FUZZ_EXPECT(story.bus.page != NULL && story.bus.memory != NULL);
  memset(story.bus.memory, 0, memory_bytes);
  describe(&story, &input);
  int result = offload_rings_init(&story.rings, &story.bus);
  FUZZ_EXPECT(result == 0 || result == -EINVAL || result == -ENOMEM);
  if (result == 0) {
    tell(&story, &input);
    offload_rings_free(&story.rings);
  }
  free((void *)(uintptr_t)story.bus.page);
  free(story.bus.memory);
  return 0;
}
