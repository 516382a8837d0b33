#include "offload.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "offload_abi.h"
#include "offload_bus.h"
#include "offload_known.h"
#include "offload_rings.h"

#define NONCE_BYTES 12
#define MAX_DEVICE_NAME 256
#define MAX_KEY_SLOTS 256
/* Descriptors behind which the doorbell is rung, so that the device works while the rest of a batch is being copied. */
#define RING_EVERY 16
/* Looks at the completions before the thread goes to sleep: a board answers within microseconds. */
#define SPINS 2000
/* How long one sleep may be: in between the device's state is looked at. */
#define NAP_US 2000
#define LONGEST_RETRY_MS 60000
/* A device that was good for this long is tried again as soon as at first. */
#define TRUSTED_AGAIN_MS 5000
/* A heartbeat that stood still for this part of the device's patience is none. */
#define HEARTBEAT_PART 5
#define MOST_TEXT 65536
/* Result words of jobs that have none yet: under way in the device, or left to software. */
#define UNDONE UINT32_MAX
#define LEFT_OVER (UINT32_MAX - 1)
/* The counter under which a new key proves itself; its ciphertext never leaves this process. Sessions end long before. */
#define PROOF_COUNTER UINT32_MAX
#define PROOF_BYTES 64
/* Known answers of each kind: enough for each lane and each buffer of a barrel, and what a look in between asks for. */
#define FULL_TEST 32
#define SHORT_TEST 2

struct offload {
  struct aead *software;
  struct offload_options options;
  char device[MAX_DEVICE_NAME];
  struct offload_bus bus;
  struct offload_rings rings;
  bool connected;
  uint16_t epoch;
  uint32_t patience_us;
  uint64_t retry_at_ms;
  uint32_t pause_ms;
  uint64_t up_since_ms;
  uint64_t self_test_at_ms;
  uint32_t until_check;
  /* By the software's slot: the handle of the key in the device, 0 when it is not there. */
  uint32_t *handles;
  size_t handle_count;
  uint32_t generation;
  uint32_t test_handle;
  bool slot_used[MAX_KEY_SLOTS];
  uint8_t *scratch; /* a copy of one job, for comparisons */
  struct offload_status status;
};

static const char *const REASON_NAMES[OFFLOAD_REASONS] = {
    "none",        "no-device", "wrong-device",     "no-clock", "no-reset", "wrong-known-answer", "timeout", "bus-error",
    "reset-itself", "stray-completion", "damaged-data", "refused-job", "wrong-answer"};

const char *offload_reason_name(enum offload_reason reason) { return REASON_NAMES[reason]; }

static uint64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t now_ms(void) { return now_us() / 1000; }

static void nonce_of(const uint32_t *words, uint8_t nonce[NONCE_BYTES]) {
  memset(nonce, 0, 4);
  memcpy(nonce + 4, &words[2], 4);
  memcpy(nonce + 8, &words[1], 4);
}

/* State */

/* Whatever is under way is left to software; the device is told to forget it, without waiting for that. */
static void fail(struct offload *offload, enum offload_reason reason) {
  struct offload_status *status = &offload->status;
  if (status->up && now_ms() - offload->up_since_ms > TRUSTED_AGAIN_MS) offload->pause_ms = offload->options.retry_ms;
  status->up = false;
  status->reason = reason;
  status->failures[reason]++;
  status->keys_loaded = 0;
  offload->retry_at_ms = now_ms() + offload->pause_ms;
  offload->pause_ms = offload->pause_ms * 2 < LONGEST_RETRY_MS ? offload->pause_ms * 2 : LONGEST_RETRY_MS;
  if (offload->handles != NULL) memset(offload->handles, 0, offload->handle_count * sizeof *offload->handles);
  memset(offload->slot_used, 0, sizeof offload->slot_used);
  if (!offload->connected) return;
  status->redone += offload_under_way(&offload->rings);
  offload_abandon(&offload->rings);
  offload_write(&offload->bus, OFFLOAD_REG_CONTROL, 1u << OFFLOAD_CONTROL_RESET_SHIFT);
  offload_bus_wake(&offload->bus);
}

static void disconnect(struct offload *offload) {
  if (!offload->connected) return;
  offload_rings_free(&offload->rings);
  offload_bus_close(&offload->bus);
  offload->connected = false;
}

/* Why the device that owes completions does not give them, if it says so. */
static enum offload_reason complaint(const struct offload *offload) {
  uint32_t state = offload_read(&offload->bus, OFFLOAD_REG_STATUS);
  if (offload_bus_gone(&offload->bus)) return OFFLOAD_NO_DEVICE;
  if (state >> OFFLOAD_STATUS_BUS_ERROR_SHIFT & 1) return OFFLOAD_BUS_ERROR;
  if (!(offload_read(&offload->bus, OFFLOAD_REG_CONTROL) >> OFFLOAD_CONTROL_RUN_SHIFT & 1)) return OFFLOAD_RESET_ITSELF;
  return OFFLOAD_FINE;
}

/* Results */

/* Runs a copy of the job in software; true when that comes to the same result. The arena still holds the job's source. */
static bool software_agrees(struct offload *offload, const uint8_t *arena, const struct offload_result *result) {
  uint32_t words[AEAD_JOB_WORDS];
  memcpy(words, result->words, sizeof words);
  uint32_t text = words[5];
  size_t bytes = (size_t)words[4] + text + AEAD_TAG_BYTES;
  memcpy(offload->scratch, arena + words[3], bytes);
  words[3] = 0;
  bool seals = result->operation == OFFLOAD_OPERATION_SEAL;
  int error = (seals ? aead_seal : aead_open)(offload->software, offload->scratch, bytes, words, 1);
  offload->status.checked++;
  const uint8_t *made = offload->scratch + words[4];
  bool opened = error == 0 && words[6] == AEAD_JOB_OK;
  bool same = opened && memcmp(made, result->result, text) == 0;
  if (seals) same = same && memcmp(made + text, result->result + offload_rounded(text), AEAD_TAG_BYTES) == 0;
  bool agrees = result->status == OFFLOAD_STATUS_OK ? same : !opened;
  OPENSSL_cleanse(offload->scratch, bytes);
  return agrees;
}

/* Judges one completion and, when it stands, puts the result into the arena. */
static enum offload_reason accept(struct offload *offload, uint8_t *arena, const struct offload_result *result) {
  uint32_t *words = result->words;
  if (!result->undamaged) return OFFLOAD_DAMAGED;
  if (result->status != OFFLOAD_STATUS_OK && result->status != OFFLOAD_STATUS_WRONG_TAG) return OFFLOAD_REFUSED;
  bool refused = result->status == OFFLOAD_STATUS_WRONG_TAG;
  bool seals = result->operation == OFFLOAD_OPERATION_SEAL;
  if (refused && seals) return OFFLOAD_REFUSED;
  if (refused || --offload->until_check == 0) {
    if (!refused) offload->until_check = offload->options.check_every;
    if (!software_agrees(offload, arena, result)) return OFFLOAD_WRONG_ANSWER;
  }
  if (refused) {
    offload->status.wrong_tags++;
    words[6] = AEAD_JOB_BAD_TAG;
    return OFFLOAD_FINE;
  }
  uint8_t *text = arena + words[3] + words[4];
  memcpy(text, result->result, words[5]);
  if (seals) memcpy(text + words[5], result->result + offload_rounded(words[5]), AEAD_TAG_BYTES);
  if (seals) offload->status.sealed++;
  else offload->status.opened++;
  words[6] = AEAD_JOB_OK;
  return OFFLOAD_FINE;
}

/* Takes completions until nothing is under way. OFFLOAD_FINE, or why the device is not to be trusted any more. */
static enum offload_reason collect(struct offload *offload, uint8_t *arena) {
  struct offload_rings *rings = &offload->rings;
  uint64_t progress_us = 0; /* 0: not waited yet */
  uint32_t spins = 0;
  while (offload_under_way(rings) > 0) {
    bool any = false;
    for (uint32_t queue = 0; queue < rings->count; queue++) {
      struct offload_result result;
      int got;
      while ((got = offload_take(rings, queue, &result)) > 0) {
        enum offload_reason reason = accept(offload, arena, &result);
        if (reason != OFFLOAD_FINE) {
          offload->status.redone++;
          return reason;
        }
        any = true;
      }
      if (got < 0) return OFFLOAD_STRAY_COMPLETION;
    }
    if (any) {
      progress_us = 0;
      spins = 0;
    } else if (++spins > SPINS) {
      uint64_t now = now_us();
      if (progress_us == 0) progress_us = now;
      enum offload_reason reason = complaint(offload);
      if (reason != OFFLOAD_FINE) return reason;
      if (now - progress_us > offload->patience_us) return OFFLOAD_TIMEOUT;
      offload_bus_wait(&offload->bus, NAP_US);
    }
  }
  /* A completion more than there were jobs. */
  for (uint32_t queue = 0; queue < rings->count; queue++) {
    struct offload_result result;
    if (offload_take(rings, queue, &result) != 0) return OFFLOAD_STRAY_COMPLETION;
  }
  return OFFLOAD_FINE;
}

/* Queues: short texts go to the fast engines, one for sealing and one for opening where there are two. */
static uint32_t queue_for(const struct offload_rings *rings, uint8_t operation, uint32_t text) {
  uint32_t found = OFFLOAD_MAX_QUEUES;
  for (uint32_t i = 0; i < rings->count; i++) {
    if (rings->queues[i].longest < text) continue;
    bool better = found == OFFLOAD_MAX_QUEUES || rings->queues[i].barrel;
    if (!better) continue;
    found = i;
    if (rings->queues[i].barrel && operation == OFFLOAD_OPERATION_SEAL) break;
  }
  return found;
}

/* Known answers */

static uint32_t key_slot_of_test(const struct offload *offload) { return offload->status.key_slots - 1; }

static enum offload_reason self_test(struct offload *offload, uint32_t count) {
  offload->status.self_tests++;
  offload->self_test_at_ms = now_ms() + offload->options.self_test_ms;
  enum offload_reason reason = offload_known_answers(&offload->rings, offload->test_handle, offload->patience_us, count);
  /* What is left of the test is nothing that software would have to do again. */
  if (reason != OFFLOAD_FINE) offload_abandon(&offload->rings);
  return reason;
}

/* Keys */

/* False when the device does not finish the command in time. */
static bool command(struct offload *offload, uint32_t handle, const uint8_t *key, uint32_t what) {
  struct offload_bus *bus = &offload->bus;
  for (uint32_t i = 0; key != NULL && i < AEAD_KEY_BYTES / 4; i++) {
    uint32_t word;
    memcpy(&word, key + 4 * i, 4);
    bus->page[OFFLOAD_REG_KEY_WINDOW / 4 + i] = word;
  }
  offload_write(bus, OFFLOAD_REG_KEY_HANDLE, handle);
  offload_write(bus, OFFLOAD_REG_KEY_COMMAND, what);
  offload_bus_wake(bus);
  uint64_t until = 0;
  while (offload_read(bus, OFFLOAD_REG_KEY_COMMAND) != 0) {
    uint64_t now = now_us();
    if (until == 0) until = now + offload->patience_us;
    if (now > until) return false;
    if (bus->socket_fd >= 0) offload_bus_wait(bus, 50);
  }
  return true;
}

/* A key counts as loaded when the device seals as software does under it. */
static enum offload_reason prove(struct offload *offload, uint32_t slot, uint32_t handle) {
  uint8_t arena[PROOF_BYTES + AEAD_TAG_BYTES] = {0};
  uint8_t wanted[sizeof arena] = {0};
  uint8_t nonce[NONCE_BYTES];
  uint32_t words[AEAD_JOB_WORDS] = {slot, PROOF_COUNTER, PROOF_COUNTER, 0, 0, PROOF_BYTES, UNDONE, 0};
  uint32_t again[AEAD_JOB_WORDS];
  memcpy(again, words, sizeof words);
  nonce_of(words, nonce);
  if (aead_seal(offload->software, wanted, sizeof wanted, again, 1) < 0) return OFFLOAD_WRONG_ANSWER;
  uint32_t queue = queue_for(&offload->rings, OFFLOAD_OPERATION_SEAL, PROOF_BYTES);
  if (!offload_submit(&offload->rings, queue, OFFLOAD_OPERATION_SEAL, handle, nonce, words, arena)) return OFFLOAD_TIMEOUT;
  offload_ring(&offload->rings);
  enum offload_reason reason = collect(offload, arena);
  if (reason != OFFLOAD_FINE) return reason;
  offload->status.sealed--;
  return memcmp(arena, wanted, sizeof arena) == 0 ? OFFLOAD_FINE : OFFLOAD_WRONG_ANSWER;
}

/* Brings a key into the device unless it is there or no slot is free. A device that does not take it has failed. */
static void load_key(struct offload *offload, uint32_t slot) {
  const uint8_t *key = aead_key(offload->software, slot);
  uint32_t place = 0;
  if (key == NULL || slot >= offload->handle_count || offload->handles[slot] != 0) return;
  while (place < key_slot_of_test(offload) && offload->slot_used[place]) place++;
  if (place == key_slot_of_test(offload)) return;
  offload->generation = offload->generation % 0xffffff + 1;
  uint32_t handle = place | offload->generation << OFFLOAD_KEY_HANDLE_GENERATION_SHIFT;
  enum offload_reason reason = OFFLOAD_TIMEOUT;
  if (command(offload, handle, key, OFFLOAD_KEY_COMMAND_LOAD)) reason = prove(offload, slot, handle);
  if (reason != OFFLOAD_FINE) {
    fail(offload, reason);
    return;
  }
  offload->slot_used[place] = true;
  offload->handles[slot] = handle;
  offload->status.keys_loaded++;
  offload->status.key_loads++;
}

/* Coming up */

/* A device that was stopped keeps its mapping but counts no clocks: asked for nothing until it does. */
static bool has_clock(const struct offload *offload) {
  uint32_t before = offload_read(&offload->bus, OFFLOAD_REG_HEARTBEAT);
  uint64_t until = now_us() + offload->patience_us / HEARTBEAT_PART;
  offload_bus_wake(&offload->bus);
  while (now_us() < until) {
    if (offload_read(&offload->bus, OFFLOAD_REG_HEARTBEAT) != before) return true;
    struct timespec nap = {.tv_nsec = 500000};
    if (offload->bus.socket_fd >= 0) nanosleep(&nap, NULL);
  }
  return false;
}

static enum offload_reason connect_device(struct offload *offload) {
  if (offload->connected && offload_bus_gone(&offload->bus)) disconnect(offload);
  if (offload->connected) return OFFLOAD_FINE;
  if (offload_bus_open(&offload->bus, offload->device) < 0) return OFFLOAD_NO_DEVICE;
  const struct offload_bus *bus = &offload->bus;
  bool right = offload_read(bus, OFFLOAD_REG_ID) == OFFLOAD_ID_VALUE &&
               offload_read(bus, OFFLOAD_REG_ABI_VERSION) >> OFFLOAD_ABI_VERSION_MAJOR_SHIFT == OFFLOAD_ABI_MAJOR;
  if (!right || offload_rings_init(&offload->rings, bus) < 0) {
    offload_bus_close(&offload->bus);
    return OFFLOAD_WRONG_DEVICE;
  }
  uint32_t caps = offload_read(bus, OFFLOAD_REG_CAPS);
  uint32_t slots = 1u << (caps >> OFFLOAD_CAPS_KEY_SLOTS_LOG2_SHIFT & 15);
  offload->connected = true;
  offload->status.queues = offload->rings.count;
  offload->status.key_slots = slots < MAX_KEY_SLOTS ? slots : MAX_KEY_SLOTS;
  offload->patience_us = offload_read(bus, OFFLOAD_REG_PATIENCE_US);
  return OFFLOAD_FINE;
}

static enum offload_reason reset_device(struct offload *offload) {
  uint64_t until = now_us() + offload->patience_us;
  offload_write(&offload->bus, OFFLOAD_REG_CONTROL, 1u << OFFLOAD_CONTROL_RESET_SHIFT);
  offload_bus_wake(&offload->bus);
  while (offload_read(&offload->bus, OFFLOAD_REG_CONTROL) >> OFFLOAD_CONTROL_RESET_SHIFT & 1) {
    struct timespec nap = {.tv_nsec = 200000};
    if (now_us() > until) return OFFLOAD_NO_RESET;
    if (offload->bus.socket_fd >= 0) nanosleep(&nap, NULL);
  }
  return OFFLOAD_FINE;
}

#define MEASURED_JOBS 32
#define MEASURED_BYTES 1408
/* Rounds of which the least counts: the machine's other work only ever adds. */
#define MEASURED_TIMES 3

/* Least microseconds for `count` jobs of a datagram's size, in software (handle 0) or on the device under the test's key, to no use. */
static enum offload_reason measure(struct offload *offload, uint32_t slot, uint32_t handle, uint32_t count, uint8_t *arena,
                                   size_t arena_bytes, double *least_us) {
  for (int i = 0; i < MEASURED_TIMES; i++) {
    uint32_t words[MEASURED_JOBS * AEAD_JOB_WORDS];
    uint8_t nonce[NONCE_BYTES] = {0};
    for (uint32_t job = 0; job < count; job++) {
      const uint32_t each[AEAD_JOB_WORDS] = {slot, 0, job, job * (MEASURED_BYTES + AEAD_TAG_BYTES), 0, MEASURED_BYTES, UNDONE, 0};
      memcpy(words + job * AEAD_JOB_WORDS, each, sizeof each);
    }
    uint64_t begun = now_us();
    if (handle == 0) {
      (void)aead_seal(offload->software, arena, arena_bytes, words, count);
    } else {
      uint32_t queue = queue_for(&offload->rings, OFFLOAD_OPERATION_SEAL, MEASURED_BYTES);
      for (uint32_t job = 0; job < count; job++)
        (void)offload_submit(&offload->rings, queue, OFFLOAD_OPERATION_SEAL, handle, nonce, words + job * AEAD_JOB_WORDS, arena);
      offload_ring(&offload->rings);
      enum offload_reason reason = collect(offload, arena);
      if (reason != OFFLOAD_FINE) return reason;
      offload->status.sealed -= count;
    }
    double us = (double)(now_us() - begun);
    if (i == 0 || us < *least_us) *least_us = us;
  }
  return OFFLOAD_FINE;
}

/*
 * The smallest batch that the device does in less time than software, whose time is a start and a share for each job;
 * UINT32_MAX when there is none.
 */
static enum offload_reason measure_least_batch(struct offload *offload, uint32_t *least) {
  static const uint8_t key[AEAD_KEY_BYTES] = {1};
  size_t bytes = (size_t)MEASURED_JOBS * (MEASURED_BYTES + AEAD_TAG_BYTES);
  uint8_t *arena = calloc(1, bytes);
  long slot = aead_add_key(offload->software, key);
  enum offload_reason reason = OFFLOAD_FINE;
  *least = UINT32_MAX;
  if (arena != NULL && slot >= 0) {
    double software = 0, one = 0, all = 0;
    uint32_t handle = offload->test_handle;
    /* Software comparisons would be of another key. */
    uint32_t until_check = offload->until_check;
    offload->until_check = UINT32_MAX;
    (void)measure(offload, (uint32_t)slot, 0, MEASURED_JOBS, arena, bytes, &software);
    reason = measure(offload, (uint32_t)slot, handle, 1, arena, bytes, &one);
    if (reason == OFFLOAD_FINE) reason = measure(offload, (uint32_t)slot, handle, MEASURED_JOBS, arena, bytes, &all);
    offload->until_check = until_check;
    software /= MEASURED_JOBS;
    double share = (all - one) / (MEASURED_JOBS - 1);
    if (reason == OFFLOAD_FINE && share < software)
      *least = one <= software ? 1 : 1 + (uint32_t)((one - software) / (software - share));
  }
  if (slot >= 0) (void)aead_remove_key(offload->software, (uint32_t)slot);
  free(arena);
  return reason;
}

static void come_up(struct offload *offload) {
  enum offload_reason reason = connect_device(offload);
  if (reason == OFFLOAD_FINE && !has_clock(offload)) reason = OFFLOAD_NO_CLOCK;
  if (reason == OFFLOAD_FINE) reason = reset_device(offload);
  if (reason == OFFLOAD_FINE) {
    offload->generation = offload->generation % 0xffffff + 1;
    offload_rings_start(&offload->rings, ++offload->epoch);
    offload->test_handle = key_slot_of_test(offload) | offload->generation << OFFLOAD_KEY_HANDLE_GENERATION_SHIFT;
    bool loaded = command(offload, offload->test_handle, offload_known_key, OFFLOAD_KEY_COMMAND_LOAD);
    reason = loaded ? self_test(offload, FULL_TEST) : OFFLOAD_TIMEOUT;
  }
  offload->status.least_batch = offload->options.least_batch;
  if (reason == OFFLOAD_FINE && offload->options.least_batch == 0) reason = measure_least_batch(offload, &offload->status.least_batch);
  if (reason != OFFLOAD_FINE) {
    fail(offload, reason);
    return;
  }
  offload->status.up = true;
  offload->status.times_up++;
  offload->up_since_ms = now_ms();
}

/* Once a batch: tries a lost device again, tests one that is due. */
static void look_after(struct offload *offload) {
  uint64_t now = now_ms();
  if (!offload->status.up) {
    if (now >= offload->retry_at_ms) come_up(offload);
  } else if (now >= offload->self_test_at_ms) {
    enum offload_reason reason = complaint(offload);
    if (reason == OFFLOAD_FINE) reason = self_test(offload, SHORT_TEST);
    if (reason != OFFLOAD_FINE) fail(offload, reason);
  }
}

/* The port */

struct offload *offload_new(struct aead *software, const char *device, const struct offload_options *options) {
  struct offload *offload = calloc(1, sizeof *offload);
  if (offload == NULL || strlen(device) >= sizeof offload->device) goto fail;
  /* Associated data and tag of the longest job; a batch's jobs are checked against it before they go to the device. */
  offload->scratch = malloc(OFFLOAD_LONGEST_ASSOCIATED + MOST_TEXT + AEAD_TAG_BYTES);
  if (offload->scratch == NULL) goto fail;
  strcpy(offload->device, device);
  offload->software = software;
  offload->options = *options;
  offload->pause_ms = options->retry_ms;
  offload->until_check = options->check_every;
  come_up(offload);
  return offload;
fail:
  if (offload != NULL) free(offload->scratch);
  free(offload);
  return NULL;
}

void offload_free(struct offload *offload) {
  if (offload == NULL) return;
  if (offload->connected) {
    /* Wipes the keys. */
    offload_write(&offload->bus, OFFLOAD_REG_CONTROL, 1u << OFFLOAD_CONTROL_RESET_SHIFT);
    offload_bus_wake(&offload->bus);
  }
  disconnect(offload);
  free(offload->handles);
  free(offload->scratch);
  free(offload);
}

long offload_add_key(struct offload *offload, const uint8_t key[AEAD_KEY_BYTES]) {
  long slot = aead_add_key(offload->software, key);
  if (slot < 0 || (size_t)slot < offload->handle_count) return slot;
  size_t count = ((size_t)slot + 1) * 2;
  uint32_t *handles = realloc(offload->handles, count * sizeof *handles);
  if (handles == NULL) {
    (void)aead_remove_key(offload->software, (uint32_t)slot);
    return -ENOMEM;
  }
  memset(handles + offload->handle_count, 0, (count - offload->handle_count) * sizeof *handles);
  offload->handles = handles;
  offload->handle_count = count;
  return slot;
}

int offload_remove_key(struct offload *offload, uint32_t slot) {
  int error = aead_remove_key(offload->software, slot);
  if (error < 0 || slot >= offload->handle_count || offload->handles[slot] == 0) return error;
  uint32_t handle = offload->handles[slot];
  offload->handles[slot] = 0;
  offload->slot_used[handle & 0xff] = false;
  offload->status.keys_loaded--;
  if (!command(offload, handle, NULL, OFFLOAD_KEY_COMMAND_WIPE)) fail(offload, OFFLOAD_TIMEOUT);
  return 0;
}

/* True when the job is under way in the device; otherwise software's count that it belongs to has gone up. */
static bool hand_over(struct offload *offload, uint8_t operation, uint32_t *words, uint8_t *arena, size_t arena_bytes) {
  struct offload_status *status = &offload->status;
  uint64_t end = (uint64_t)words[3] + words[4] + words[5] + AEAD_TAG_BYTES;
  uint32_t queue = end <= arena_bytes ? queue_for(&offload->rings, operation, words[5]) : OFFLOAD_MAX_QUEUES;
  if (queue == OFFLOAD_MAX_QUEUES || words[4] > OFFLOAD_LONGEST_ASSOCIATED || words[5] > MOST_TEXT) {
    status->software_shape++;
    return false;
  }
  uint32_t handle = words[0] < offload->handle_count ? offload->handles[words[0]] : 0;
  if (handle == 0) {
    status->software_key++;
    return false;
  }
  uint8_t nonce[NONCE_BYTES];
  nonce_of(words, nonce);
  if (offload_submit(&offload->rings, queue, operation, handle, nonce, words, arena)) return true;
  status->software_full++;
  return false;
}

/*
 * Keys are loaded before anything of the batch is under way, since a new key proves itself with a job of its own; then jobs
 * are handed over, what the device does not take is done in software meanwhile, and the rest is waited for.
 */
static int run(struct offload *offload, uint8_t operation, uint8_t *arena, size_t arena_bytes, uint32_t *jobs, size_t count) {
  int (*software)(struct aead *, uint8_t *, size_t, uint32_t *, size_t) = operation == OFFLOAD_OPERATION_SEAL ? aead_seal : aead_open;
  struct offload_status *status = &offload->status;
  look_after(offload);
  for (size_t i = 0; i < count && status->up && count >= status->least_batch; i++) load_key(offload, jobs[i * AEAD_JOB_WORDS]);
  if (!status->up || count < status->least_batch) {
    *(status->up ? &status->software_small : &status->software_down) += count;
    return software(offload->software, arena, arena_bytes, jobs, count);
  }
  size_t left_over = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t *words = jobs + i * AEAD_JOB_WORDS;
    words[6] = UNDONE;
    if (!hand_over(offload, operation, words, arena, arena_bytes)) {
      words[6] = LEFT_OVER;
      left_over++;
    }
    if (i % RING_EVERY == RING_EVERY - 1) offload_ring(&offload->rings);
  }
  offload_ring(&offload->rings);
  int error = 0;
  for (size_t i = 0; i < count && left_over > 0 && error == 0; i++) {
    uint32_t *words = jobs + i * AEAD_JOB_WORDS;
    if (words[6] == LEFT_OVER) error = software(offload->software, arena, arena_bytes, words, 1);
  }
  enum offload_reason reason = collect(offload, arena);
  if (reason == OFFLOAD_FINE) return error;
  fail(offload, reason);
  for (size_t i = 0; i < count && error == 0; i++) {
    uint32_t *words = jobs + i * AEAD_JOB_WORDS;
    if (words[6] == UNDONE) error = software(offload->software, arena, arena_bytes, words, 1);
  }
  return error;
}

int offload_seal(struct offload *offload, uint8_t *arena, size_t arena_bytes, uint32_t *jobs, size_t count) {
  return run(offload, OFFLOAD_OPERATION_SEAL, arena, arena_bytes, jobs, count);
}

int offload_open(struct offload *offload, uint8_t *arena, size_t arena_bytes, uint32_t *jobs, size_t count) {
  return run(offload, OFFLOAD_OPERATION_OPEN, arena, arena_bytes, jobs, count);
}

void offload_read_status(const struct offload *offload, struct offload_status *status) { *status = offload->status; }
