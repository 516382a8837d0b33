/*
 * The fuzzer's bytes read as decisions. An input that has ended gives zeros, so every input is a whole story and a longer one
 * only tells more of it.
 */
#ifndef SKYWIRE_FUZZ_INPUT_H
#define SKYWIRE_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fuzz_input {
  const uint8_t *bytes;
  size_t left;
};

static inline uint8_t fuzz_u8(struct fuzz_input *input) {
  if (input->left == 0) return 0;
  input->left--;
  return *input->bytes++;
}

static inline uint16_t fuzz_u16(struct fuzz_input *input) {
  uint16_t high = fuzz_u8(input);
  return (uint16_t)(high << 8 | fuzz_u8(input));
}

static inline uint32_t fuzz_u32(struct fuzz_input *input) {
  uint32_t high = fuzz_u16(input);
  return high << 16 | fuzz_u16(input);
}

/* 0 to `limit` - 1. */
static inline uint32_t fuzz_below(struct fuzz_input *input, uint32_t limit) { return fuzz_u32(input) % limit; }

/* Fills what the input reaches to, and zeros the rest. */
static inline void fuzz_bytes(struct fuzz_input *input, uint8_t *to, size_t count) {
  size_t given = count < input->left ? count : input->left;
  if (given > 0) memcpy(to, input->bytes, given);
  memset(to + given, 0, count - given);
  input->bytes += given;
  input->left -= given;
}

/* Ends the fuzzer with the input that led here, as a crash does. */
#define FUZZ_EXPECT(condition)                                             \
  do {                                                                     \
    if (condition) break;                                                  \
    fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
    abort();                                                               \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

#endif
