#include "offload_rings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "offload_abi.h"

#define TAG_BYTES 16
#define WORD_BYTES 16
/* More than a batch of the daemon (128), so that a batch always fits. */
#define BARREL_ENTRIES_LOG2 8
/* As many as a batch, although each has room for two texts of 64 KiB: 17 MB in all. */
#define SERIAL_ENTRIES_LOG2 7
#define ALIGNMENT 256

/* Unaligned loads of 16 bytes: the arena's texts begin anywhere. */
typedef uint32_t word_t __attribute__((vector_size(WORD_BYTES)));

static inline word_t load(const uint8_t *from) {
  word_t word;
  memcpy(&word, from, sizeof word);
  return word;
}

static inline uint32_t folded(word_t word) { return word[0] ^ word[1] ^ word[2] ^ word[3]; }

static uint32_t fold(const uint8_t *bytes, uint32_t count) {
  word_t a = {0};
  word_t b = {0};
  uint32_t at = 0;
  for (; at + 2 * WORD_BYTES <= count; at += 2 * WORD_BYTES) {
    a ^= load(bytes + at);
    b ^= load(bytes + at + WORD_BYTES);
  }
  if (at < count) a ^= load(bytes + at);
  return folded(a ^ b);
}

/* Copies, pads with zeros to a whole word, and folds what was written, in one pass. */
static uint32_t copy_and_fold(uint8_t *to, const uint8_t *from, uint32_t count) {
  word_t a = {0};
  word_t b = {0};
  uint32_t at = 0;
  for (; at + 2 * WORD_BYTES <= count; at += 2 * WORD_BYTES) {
    word_t first = load(from + at);
    word_t second = load(from + at + WORD_BYTES);
    memcpy(to + at, &first, sizeof first);
    memcpy(to + at + WORD_BYTES, &second, sizeof second);
    a ^= first;
    b ^= second;
  }
  for (; at < count; at += WORD_BYTES) {
    uint8_t last[WORD_BYTES] = {0};
    memcpy(last, from + at, count - at < WORD_BYTES ? count - at : WORD_BYTES);
    memcpy(to + at, last, sizeof last);
    a ^= load(last);
  }
  return folded(a ^ b);
}

static uint32_t queue_register(const struct offload_rings *rings, uint32_t queue, uint32_t offset) {
  return offload_read(rings->bus, offset + queue * OFFLOAD_REG_QUEUE_TAIL_STRIDE);
}

static void set_queue_register(const struct offload_rings *rings, uint32_t queue, uint32_t offset, uint32_t value) {
  offload_write(rings->bus, offset + queue * OFFLOAD_REG_QUEUE_TAIL_STRIDE, value);
}

static size_t aligned(size_t bytes) { return (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1); }

static int lay_out(struct offload_queue *queue, uint8_t **at, const uint8_t *end) {
  size_t entries = (size_t)1 << queue->entries_log2;
  queue->stride = (uint32_t)aligned(queue->longest + TAG_BYTES);
  queue->submissions = *at;
  queue->completions = queue->submissions + aligned(entries * OFFLOAD_DESCRIPTOR_BYTES);
  queue->buffers = queue->completions + aligned(entries * OFFLOAD_COMPLETION_BYTES);
  size_t bytes = (size_t)(queue->buffers - *at) + 2 * entries * queue->stride;
  if (bytes > (size_t)(end - *at)) return -ENOMEM;
  *at += bytes;
  queue->entries = calloc(entries, sizeof *queue->entries);
  return queue->entries == NULL ? -ENOMEM : 0;
}

int offload_rings_init(struct offload_rings *rings, const struct offload_bus *bus) {
  uint32_t caps = offload_read(bus, OFFLOAD_REG_CAPS);
  uint32_t ring_log2_max = caps >> OFFLOAD_CAPS_RING_LOG2_MAX_SHIFT & 15;
  uint8_t *at = bus->memory;
  *rings = (struct offload_rings){.bus = bus, .count = caps >> OFFLOAD_CAPS_QUEUES_SHIFT & 15};
  if (rings->count == 0 || rings->count > OFFLOAD_MAX_QUEUES) return -EINVAL;
  for (uint32_t i = 0; i < rings->count; i++) {
    struct offload_queue *queue = &rings->queues[i];
    queue->barrel = caps >> (OFFLOAD_CAPS_BARREL_QUEUES_SHIFT + i) & 1;
    queue->longest = queue_register(rings, i, OFFLOAD_REG_QUEUE_LONGEST);
    queue->entries_log2 = queue->barrel ? BARREL_ENTRIES_LOG2 : SERIAL_ENTRIES_LOG2;
    if (queue->entries_log2 > ring_log2_max) queue->entries_log2 = ring_log2_max;
    int error = queue->longest == 0 || queue->longest > bus->memory_bytes ? -EINVAL : lay_out(queue, &at, bus->memory + bus->memory_bytes);
    if (error < 0) {
      offload_rings_free(rings);
      return error;
    }
  }
  return 0;
}

void offload_rings_free(struct offload_rings *rings) {
  for (uint32_t i = 0; i < rings->count; i++) free(rings->queues[i].entries);
  *rings = (struct offload_rings){0};
}

static uint64_t bus_address(const struct offload_rings *rings, const uint8_t *place) {
  return rings->bus->bus_address + (uint64_t)(place - rings->bus->memory);
}

void offload_rings_start(struct offload_rings *rings, uint16_t epoch) {
  rings->epoch = epoch;
  offload_abandon(rings);
  for (uint32_t i = 0; i < rings->count; i++) {
    struct offload_queue *queue = &rings->queues[i];
    uint64_t submissions = bus_address(rings, queue->submissions);
    uint64_t completions = bus_address(rings, queue->completions);
    queue->submitted = queue->rung = queue->taken = 0;
    memset(queue->completions, 0, (size_t)OFFLOAD_COMPLETION_BYTES << queue->entries_log2);
    set_queue_register(rings, i, OFFLOAD_REG_QUEUE_SUBMIT_LOW, (uint32_t)submissions);
    set_queue_register(rings, i, OFFLOAD_REG_QUEUE_SUBMIT_HIGH, (uint32_t)(submissions >> 32));
    set_queue_register(rings, i, OFFLOAD_REG_QUEUE_COMPLETE_LOW, (uint32_t)completions);
    set_queue_register(rings, i, OFFLOAD_REG_QUEUE_COMPLETE_HIGH, (uint32_t)(completions >> 32));
    set_queue_register(rings, i, OFFLOAD_REG_QUEUE_RING_LOG2, queue->entries_log2);
  }
  offload_write(rings->bus, OFFLOAD_REG_EPOCH, epoch);
  /* One interrupt when a queue has nothing left to do: a batch is waited for as a whole. */
  offload_write(rings->bus, OFFLOAD_REG_IRQ_COALESCE, 255);
  offload_write(rings->bus, OFFLOAD_REG_IRQ_MASK, 0xff);
  offload_write(rings->bus, OFFLOAD_REG_CONTROL, 1u << OFFLOAD_CONTROL_RUN_SHIFT);
  offload_bus_wake(rings->bus);
}

static void put16(uint8_t *to, uint16_t value) { memcpy(to, &value, sizeof value); }
static void put32(uint8_t *to, uint32_t value) { memcpy(to, &value, sizeof value); }
static void put64(uint8_t *to, uint64_t value) { memcpy(to, &value, sizeof value); }

bool offload_submit(struct offload_rings *rings, uint32_t number, uint8_t operation, uint32_t handle, const uint8_t nonce[12],
                    uint32_t *words, const uint8_t *arena) {
  struct offload_queue *queue = &rings->queues[number];
  if ((queue->submitted - queue->taken) >> queue->entries_log2 != 0) return false;
  uint32_t index = queue->submitted & ((1u << queue->entries_log2) - 1);
  struct offload_entry *entry = &queue->entries[index];
  uint32_t associated = words[4];
  uint32_t text = words[5];
  const uint8_t *from = arena + words[3];
  uint8_t *source = queue->buffers + (size_t)2 * index * queue->stride;

  /* Made here and copied in one piece: the shared memory may be slow to write in small pieces. */
  uint8_t descriptor[OFFLOAD_DESCRIPTOR_BYTES] __attribute__((aligned(WORD_BYTES))) = {0};
  put64(descriptor + OFFLOAD_DESCRIPTOR_SOURCE, bus_address(rings, source));
  put64(descriptor + OFFLOAD_DESCRIPTOR_DESTINATION, bus_address(rings, source + queue->stride));
  put32(descriptor + OFFLOAD_DESCRIPTOR_LENGTH, text);
  put32(descriptor + OFFLOAD_DESCRIPTOR_KEY_HANDLE, handle);
  memcpy(descriptor + OFFLOAD_DESCRIPTOR_NONCE, nonce, 12);
  put16(descriptor + OFFLOAD_DESCRIPTOR_OPERATION, (uint16_t)(operation | associated << 8));
  put32(descriptor + OFFLOAD_DESCRIPTOR_COOKIE, queue->submitted);
  memcpy(descriptor + OFFLOAD_DESCRIPTOR_ASSOCIATED, from, associated);
  uint32_t check = copy_and_fold(queue->submissions + (size_t)index * OFFLOAD_DESCRIPTOR_BYTES, descriptor, sizeof descriptor);

  check ^= copy_and_fold(source, from + associated, text);
  if (operation == OFFLOAD_OPERATION_OPEN) check ^= copy_and_fold(source + offload_rounded(text), from + associated + text, TAG_BYTES);
  *entry = (struct offload_entry){.words = words, .cookie = queue->submitted, .check_in = check, .operation = operation};
  queue->submitted++;
  return true;
}

void offload_ring(struct offload_rings *rings) {
  bool any = false;
  for (uint32_t i = 0; i < rings->count; i++) {
    struct offload_queue *queue = &rings->queues[i];
    if (queue->rung == queue->submitted) continue;
    queue->rung = queue->submitted;
    set_queue_register(rings, i, OFFLOAD_REG_QUEUE_TAIL, queue->submitted & 0xffff);
    any = true;
  }
  if (any) offload_bus_wake(rings->bus);
}

uint32_t offload_under_way(const struct offload_rings *rings) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < rings->count; i++) count += rings->queues[i].submitted - rings->queues[i].taken;
  return count;
}

static uint32_t get32(const uint8_t *from) {
  uint32_t value;
  memcpy(&value, from, sizeof value);
  return value;
}

int offload_take(struct offload_rings *rings, uint32_t number, struct offload_result *result) {
  struct offload_queue *queue = &rings->queues[number];
  uint32_t mask = (1u << queue->entries_log2) - 1;
  uint32_t index = queue->taken & mask;
  const uint8_t *completion = queue->completions + (size_t)index * OFFLOAD_COMPLETION_BYTES;
  /* Status, phase and epoch are one word, read first: what stands before it was written with it. */
  uint32_t last = __atomic_load_n((const uint32_t *)(const void *)(completion + OFFLOAD_COMPLETION_STATUS), __ATOMIC_ACQUIRE);
  uint8_t phase = (uint8_t)(last >> 8);
  uint8_t wanted = (queue->taken >> queue->entries_log2 & 1) == 0;
  if ((last & 0xff) == 0 || phase != wanted) return 0;
  uint32_t cookie = get32(completion + OFFLOAD_COMPLETION_COOKIE);
  struct offload_entry *entry = &queue->entries[cookie & mask];
  if (last >> 16 != rings->epoch || entry->words == NULL || entry->cookie != cookie) return -1;

  const uint8_t *text = queue->buffers + ((size_t)2 * (cookie & mask) + 1) * queue->stride;
  *result = (struct offload_result){
      .words = entry->words, .operation = entry->operation, .status = (uint8_t)last, .result = text};
  uint32_t written = offload_rounded(entry->words[5]) + (entry->operation == OFFLOAD_OPERATION_SEAL ? TAG_BYTES : 0);
  uint32_t check_out = result->status == OFFLOAD_STATUS_OK ? fold(text, written) : 0;
  result->undamaged = get32(completion + OFFLOAD_COMPLETION_CHECK_IN) == entry->check_in &&
                      get32(completion + OFFLOAD_COMPLETION_CHECK_OUT) == check_out;
  entry->words = NULL;
  queue->taken++;
  return 1;
}

void offload_abandon(struct offload_rings *rings) {
  for (uint32_t i = 0; i < rings->count; i++) {
    struct offload_queue *queue = &rings->queues[i];
    memset(queue->entries, 0, sizeof *queue->entries << queue->entries_log2);
    queue->taken = queue->submitted;
  }
}
