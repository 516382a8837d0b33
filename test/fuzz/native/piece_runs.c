/*
 * Runs of pieces wherever they lie: inside, each datagram is its headers, which go on, and its piece, and nothing else changes; outside,
 * nothing is written.
 */
#include "core/pieces.h"
#include "fuzz_input.h"

#define ARENA_BYTES 4096
#define PIECES_BYTES 2048

static uint8_t arena[ARENA_BYTES], before[ARENA_BYTES], pieces[PIECES_BYTES];

static uint64_t big_endian(const uint8_t *at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; i++) value = value << 8 | at[i];
  return value;
}

static void expect_number(const uint8_t *first, const uint8_t *datagram, size_t at, size_t bytes, uint64_t more) {
  uint64_t all = bytes == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * bytes) - 1;
  FUZZ_EXPECT(big_endian(datagram + at, bytes) == ((big_endian(first + at, bytes) + more) & all));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  struct fuzz_input input = {bytes, count};
  struct piece_run run = {.arena = arena, .arena_bytes = ARENA_BYTES, .pieces = pieces, .pieces_bytes = PIECES_BYTES};
  bool wild = (fuzz_u8(&input) & 7) == 0;
  run.at = wild ? fuzz_u32(&input) : fuzz_below(&input, 64);
  run.count = wild ? fuzz_u32(&input) : fuzz_below(&input, 8);
  run.piece_bytes = wild ? fuzz_u32(&input) : fuzz_below(&input, 400);
  run.datagram_bytes = wild ? fuzz_u32(&input) : PIECE_HEAD_BYTES + run.piece_bytes + fuzz_below(&input, 20);
  run.from = wild ? fuzz_u32(&input) : fuzz_below(&input, 64);
  fuzz_bytes(&input, arena, 128);
  fuzz_bytes(&input, pieces, PIECES_BYTES);
  memcpy(before, arena, sizeof before);

  if (!pieces_lay(&run)) {
    FUZZ_EXPECT(memcmp(before, arena, sizeof before) == 0);
    return 0;
  }
  const uint8_t *first = before + run.at;
  for (size_t i = 0; i < run.count; i++) {
    const uint8_t *datagram = arena + run.at + i * run.datagram_bytes;
    expect_number(first, datagram, 8, 8, i);
    expect_number(first, datagram, 35, 4, i);
    expect_number(first, datagram, 43, 2, i * run.piece_bytes);
    FUZZ_EXPECT(memcmp(first, datagram, 8) == 0 && memcmp(first + 16, datagram + 16, 19) == 0);
    FUZZ_EXPECT(memcmp(pieces + run.from + i * run.piece_bytes, datagram + PIECE_HEAD_BYTES, run.piece_bytes) == 0);
    size_t end = run.at + i * run.datagram_bytes + PIECE_HEAD_BYTES + run.piece_bytes;
    size_t next = run.at + (i + 1) * run.datagram_bytes;
    FUZZ_EXPECT(memcmp(before + end, arena + end, next - end) == 0);
  }
  return 0;
}
