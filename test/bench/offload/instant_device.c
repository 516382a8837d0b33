#include "instant_device.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/offload_abi.h"
#include "core/offload_bus.h"
#include "core/offload_rings.h"

#define MEMORY_BYTES (16u << 20)
#define LONGEST 2048
#define MEASURED_QUEUES 2
#define KEY_SLOTS_LOG2 8
#define KEY_BYTES 32
#define TAG_BYTES 16

static uint32_t page[OFFLOAD_REGISTER_PAGE_BYTES / 4];
static uint8_t *memory;
static uint32_t taken[MEASURED_QUEUES];
static uint64_t spent_ns;
static uint8_t keys[1 << KEY_SLOTS_LOG2][KEY_BYTES];
static bool pretending;

uint64_t instant_device_ns(void) { return spent_ns; }
void instant_device_pretend(bool pretend) { pretending = pretend; }

static uint64_t cpu_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint32_t queue_register(uint32_t queue, uint32_t offset) { return page[(offset + queue * OFFLOAD_REG_QUEUE_TAIL_STRIDE) / 4]; }

static uint32_t fold(const uint8_t *bytes, uint32_t count) {
  uint64_t value = 0;
  for (uint32_t at = 0; at < count; at += 8) {
    uint64_t part;
    memcpy(&part, bytes + at, 8);
    value ^= part;
  }
  return (uint32_t)(value ^ value >> 32);
}

/* The true cipher (RFC 8439). False when the tag of an opening job is wrong. */
static bool run_cipher(const uint8_t *descriptor, uint8_t *source, uint8_t *destination, uint32_t length, bool seals) {
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  uint8_t *tag = (seals ? destination : source) + offload_rounded(length);
  const uint8_t *key = keys[descriptor[OFFLOAD_DESCRIPTOR_KEY_HANDLE]];
  int written;
  EVP_CipherInit_ex(context, EVP_chacha20_poly1305(), NULL, key, descriptor + OFFLOAD_DESCRIPTOR_NONCE, seals);
  if (!seals) EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag);
  EVP_CipherUpdate(context, NULL, &written, descriptor + OFFLOAD_DESCRIPTOR_ASSOCIATED, descriptor[OFFLOAD_DESCRIPTOR_ASSOCIATED_LENGTH]);
  EVP_CipherUpdate(context, destination, &written, source, (int)length);
  uint8_t none[TAG_BYTES];
  bool right = EVP_CipherFinal_ex(context, none, &written) == 1;
  if (seals) EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag);
  EVP_CIPHER_CTX_free(context);
  return right;
}

static void answer(uint32_t queue, uint32_t number) {
  uint32_t log2 = queue_register(queue, OFFLOAD_REG_QUEUE_RING_LOG2);
  uint32_t index = number & ((1u << log2) - 1);
  const uint8_t *descriptor = memory + queue_register(queue, OFFLOAD_REG_QUEUE_SUBMIT_LOW) + (size_t)index * OFFLOAD_DESCRIPTOR_BYTES;
  uint8_t *completion = memory + queue_register(queue, OFFLOAD_REG_QUEUE_COMPLETE_LOW) + (size_t)index * OFFLOAD_COMPLETION_BYTES;
  uint64_t source;
  uint64_t destination;
  uint32_t length;
  memcpy(&source, descriptor + OFFLOAD_DESCRIPTOR_SOURCE, 8);
  memcpy(&destination, descriptor + OFFLOAD_DESCRIPTOR_DESTINATION, 8);
  memcpy(&length, descriptor + OFFLOAD_DESCRIPTOR_LENGTH, 4);
  bool seals = descriptor[OFFLOAD_DESCRIPTOR_OPERATION] == OFFLOAD_OPERATION_SEAL;
  uint32_t text = offload_rounded(length);
  bool right = true;
  if (pretending) memcpy(memory + destination, memory + source, text + (seals ? TAG_BYTES : 0));
  else {
    memset(memory + destination, 0, text);
    right = run_cipher(descriptor, memory + source, memory + destination, length, seals);
  }
  uint32_t check_in = fold(descriptor, OFFLOAD_DESCRIPTOR_BYTES) ^ fold(memory + source, text + (seals ? 0 : TAG_BYTES));
  uint32_t check_out = right ? fold(memory + destination, text + (seals ? TAG_BYTES : 0)) : 0;
  memcpy(completion + OFFLOAD_COMPLETION_COOKIE, descriptor + OFFLOAD_DESCRIPTOR_COOKIE, 4);
  memcpy(completion + OFFLOAD_COMPLETION_CHECK_IN, &check_in, 4);
  memcpy(completion + OFFLOAD_COMPLETION_CHECK_OUT, &check_out, 4);
  uint16_t epoch = (uint16_t)page[OFFLOAD_REG_EPOCH / 4];
  memcpy(completion + OFFLOAD_COMPLETION_EPOCH, &epoch, 2);
  completion[OFFLOAD_COMPLETION_PHASE] = (number >> log2 & 1) == 0;
  completion[OFFLOAD_COMPLETION_STATUS] = right ? OFFLOAD_STATUS_OK : OFFLOAD_STATUS_WRONG_TAG;
}

int offload_bus_open(struct offload_bus *bus, const char *device) {
  (void)device;
  memory = aligned_alloc(4096, MEMORY_BYTES);
  memset(memory, 0, MEMORY_BYTES);
  memset(page, 0, sizeof page);
  page[OFFLOAD_REG_ID / 4] = OFFLOAD_ID_VALUE;
  page[OFFLOAD_REG_ABI_VERSION / 4] = OFFLOAD_ABI_MAJOR << OFFLOAD_ABI_VERSION_MAJOR_SHIFT;
  /* The bench may be held up on a busy machine; that is no fault of the device. */
  page[OFFLOAD_REG_PATIENCE_US / 4] = 1000000;
  page[OFFLOAD_REG_CAPS / 4] = MEASURED_QUEUES | KEY_SLOTS_LOG2 << OFFLOAD_CAPS_KEY_SLOTS_LOG2_SHIFT |
                               10u << OFFLOAD_CAPS_RING_LOG2_MAX_SHIFT | 3u << OFFLOAD_CAPS_BARREL_QUEUES_SHIFT;
  for (uint32_t queue = 0; queue < MEASURED_QUEUES; queue++)
    page[(OFFLOAD_REG_QUEUE_LONGEST + queue * OFFLOAD_REG_QUEUE_LONGEST_STRIDE) / 4] = LONGEST;
  *bus = (struct offload_bus){
      .page = page, .memory = memory, .memory_bytes = MEMORY_BYTES, .socket_fd = 0, .doorbell_fd = -1, .interrupt_fd = -1, .memory_fd = -1};
  return 0;
}

void offload_bus_close(struct offload_bus *bus) { free(bus->memory); }
bool offload_bus_gone(const struct offload_bus *bus) { return bus->memory == NULL; }
void offload_bus_wait(const struct offload_bus *bus, uint32_t us) { (void)bus, (void)us; }

static void take_commands(void) {
  page[OFFLOAD_REG_HEARTBEAT / 4]++;
  if (page[OFFLOAD_REG_CONTROL / 4] >> OFFLOAD_CONTROL_RESET_SHIFT & 1) {
    page[OFFLOAD_REG_CONTROL / 4] = 0;
    memset(taken, 0, sizeof taken);
    for (uint32_t queue = 0; queue < MEASURED_QUEUES; queue++)
      page[(OFFLOAD_REG_QUEUE_TAIL + queue * OFFLOAD_REG_QUEUE_TAIL_STRIDE) / 4] = 0;
  }
  uint32_t slot = page[OFFLOAD_REG_KEY_HANDLE / 4] & 0xff;
  if (page[OFFLOAD_REG_KEY_COMMAND / 4] == OFFLOAD_KEY_COMMAND_LOAD) memcpy(keys[slot], &page[OFFLOAD_REG_KEY_WINDOW / 4], KEY_BYTES);
  page[OFFLOAD_REG_KEY_COMMAND / 4] = 0;
}

/* The driver has rung: every descriptor up to the tails is answered before this returns. */
void offload_bus_wake(const struct offload_bus *bus) {
  uint64_t begun = cpu_ns();
  (void)bus;
  take_commands();
  for (uint32_t queue = 0; queue < MEASURED_QUEUES; queue++) {
    uint32_t tail = queue_register(queue, OFFLOAD_REG_QUEUE_TAIL) & 0xffff;
    for (; (taken[queue] & 0xffff) != tail; taken[queue]++) answer(queue, taken[queue]);
  }
  spent_ns += cpu_ns() - begun;
}
