#include "offload_known.h"

#include <string.h>
#include <time.h>

#include "offload_abi.h"

#define NONCE_BYTES 12
/* Of one sleep; the interrupt ends it sooner. */
#define NAP_US 2000

const uint8_t offload_known_key[AEAD_KEY_BYTES] = {
    0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f,
    0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f};

static uint64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* RFC 8439 section 2.8.2. The nonce's first word is 7, which the port's nonces never have. */
static const uint8_t KNOWN_NONCE[NONCE_BYTES] = {7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47};
static const uint8_t KNOWN_ASSOCIATED[12] = {0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7};
static const char KNOWN_TEXT[] =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
#define KNOWN_BYTES (sizeof KNOWN_TEXT - 1)
static const uint8_t KNOWN_SEALED[KNOWN_BYTES + AEAD_TAG_BYTES] = {
    0xd3, 0x1a, 0x8d, 0x34, 0x64, 0x8e, 0x60, 0xdb, 0x7b, 0x86, 0xaf, 0xbc, 0x53, 0xef, 0x7e, 0xc2, 0xa4, 0xad, 0xed,
    0x51, 0x29, 0x6e, 0x08, 0xfe, 0xa9, 0xe2, 0xb5, 0xa7, 0x36, 0xee, 0x62, 0xd6, 0x3d, 0xbe, 0xa4, 0x5e, 0x8c, 0xa9,
    0x67, 0x12, 0x82, 0xfa, 0xfb, 0x69, 0xda, 0x92, 0x72, 0x8b, 0x1a, 0x71, 0xde, 0x0a, 0x9e, 0x06, 0x0b, 0x29, 0x05,
    0xd6, 0xa5, 0xb6, 0x7e, 0xcd, 0x3b, 0x36, 0x92, 0xdd, 0xbd, 0x7f, 0x2d, 0x77, 0x8b, 0x8c, 0x98, 0x03, 0xae, 0xe3,
    0x28, 0x09, 0x1b, 0x58, 0xfa, 0xb3, 0x24, 0xe4, 0xfa, 0xd6, 0x75, 0x94, 0x55, 0x85, 0x80, 0x8b, 0x48, 0x31, 0xd7,
    0xbc, 0x3f, 0xf4, 0xde, 0xf0, 0x8e, 0x4b, 0x7a, 0x9d, 0xe5, 0x76, 0xd2, 0x65, 0x86, 0xce, 0xc6, 0x4b, 0x61, 0x16,
    0x1a, 0xe1, 0x0b, 0x59, 0x4f, 0x09, 0xe2, 0x6a, 0x7e, 0x90, 0x2e, 0xcb, 0xd0, 0x60, 0x06, 0x91};

enum known_kind { KNOWN_SEAL, KNOWN_OPEN, KNOWN_FORGED, KNOWN_KINDS };

/* Waits for the answers of one queue to what was submitted, and judges them. */
static enum offload_reason judge(struct offload_rings *rings, uint32_t queue, enum known_kind kind, uint32_t patience_us) {
  uint64_t until = now_us() + patience_us;
  while (offload_under_way(rings) > 0) {
    struct offload_result result;
    int got = offload_take(rings, queue, &result);
    if (got == 0 && now_us() > until) return OFFLOAD_TIMEOUT;
    if (got == 0) offload_bus_wait(rings->bus, NAP_US);
    if (got <= 0) {
      if (got < 0) return OFFLOAD_STRAY_COMPLETION;
      continue;
    }
    bool right = result.undamaged && result.status == (kind == KNOWN_FORGED ? OFFLOAD_STATUS_WRONG_TAG : OFFLOAD_STATUS_OK);
    if (kind == KNOWN_OPEN) right = right && memcmp(result.result, KNOWN_TEXT, KNOWN_BYTES) == 0;
    if (kind == KNOWN_SEAL) {
      const uint8_t *tag = result.result + offload_rounded(KNOWN_BYTES);
      right = right && memcmp(result.result, KNOWN_SEALED, KNOWN_BYTES) == 0 &&
              memcmp(tag, KNOWN_SEALED + KNOWN_BYTES, AEAD_TAG_BYTES) == 0;
    }
    if (!right) return OFFLOAD_WRONG_KNOWN_ANSWER;
  }
  return OFFLOAD_FINE;
}

/* One queue's answers to `count` known jobs of one kind. Nothing of them goes to anybody's arena. */
static enum offload_reason ask(struct offload_rings *rings, uint32_t queue, enum known_kind kind, uint32_t handle,
                               uint32_t patience_us, uint32_t count) {
  uint8_t arena[sizeof KNOWN_ASSOCIATED + sizeof KNOWN_SEALED];
  uint32_t words[AEAD_JOB_WORDS] = {0, 0, 0, 0, sizeof KNOWN_ASSOCIATED, KNOWN_BYTES, 0, 0};
  uint8_t operation = kind == KNOWN_SEAL ? OFFLOAD_OPERATION_SEAL : OFFLOAD_OPERATION_OPEN;
  memcpy(arena, KNOWN_ASSOCIATED, sizeof KNOWN_ASSOCIATED);
  memcpy(arena + sizeof KNOWN_ASSOCIATED, KNOWN_SEALED, sizeof KNOWN_SEALED);
  if (kind == KNOWN_SEAL) memcpy(arena + sizeof KNOWN_ASSOCIATED, KNOWN_TEXT, KNOWN_BYTES);
  for (uint32_t i = 0; i < count; i++) {
    uint8_t *spoilt = &arena[sizeof KNOWN_ASSOCIATED + KNOWN_BYTES + i % AEAD_TAG_BYTES];
    if (kind == KNOWN_FORGED) *spoilt ^= (uint8_t)(1u << i % 8);
    bool room = offload_submit(rings, queue, operation, handle, KNOWN_NONCE, words, arena);
    if (kind == KNOWN_FORGED) *spoilt ^= (uint8_t)(1u << i % 8);
    if (!room) break;
  }
  offload_ring(rings);
  return judge(rings, queue, kind, patience_us);
}

enum offload_reason offload_known_answers(struct offload_rings *rings, uint32_t handle, uint32_t patience_us, uint32_t count) {
  for (uint32_t queue = 0; queue < rings->count; queue++) {
    for (enum known_kind kind = KNOWN_SEAL; kind < KNOWN_KINDS; kind++) {
      enum offload_reason reason = ask(rings, queue, kind, handle, patience_us, count);
      if (reason != OFFLOAD_FINE) return reason;
    }
  }
  return OFFLOAD_FINE;
}
