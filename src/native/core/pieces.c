#include "pieces.h"

#include <endian.h>
#include <string.h>

enum { COUNTER_AT = 8, SEQUENCE_AT = 35, OFFSET_AT = 43 };

static uint64_t counter_of(const uint8_t *head) {
  uint64_t counter;
  memcpy(&counter, head + COUNTER_AT, sizeof counter);
  return be64toh(counter);
}

static uint32_t sequence_of(const uint8_t *head) {
  uint32_t sequence;
  memcpy(&sequence, head + SEQUENCE_AT, sizeof sequence);
  return be32toh(sequence);
}

static uint16_t offset_of(const uint8_t *head) {
  uint16_t offset;
  memcpy(&offset, head + OFFSET_AT, sizeof offset);
  return be16toh(offset);
}

static bool lies_within(const struct piece_run *run) {
  uint64_t datagrams_end = run->at + (uint64_t)run->count * run->datagram_bytes;
  uint64_t pieces_end = run->from + (uint64_t)run->count * run->piece_bytes;
  return datagrams_end <= run->arena_bytes && pieces_end <= run->pieces_bytes &&
         PIECE_HEAD_BYTES + (uint64_t)run->piece_bytes <= run->datagram_bytes;
}

bool pieces_lay(const struct piece_run *run) {
  if (!lies_within(run)) return false;
  if (run->count == 0) return true;
  const uint8_t *first = run->arena + run->at;
  uint64_t counter = counter_of(first);
  uint32_t sequence = sequence_of(first);
  uint16_t offset = offset_of(first);
  uint8_t head[PIECE_HEAD_BYTES];
  memcpy(head, first, sizeof head);
  for (uint32_t i = 0; i < run->count; i++) {
    uint64_t wide = htobe64(counter + i);
    uint32_t number = htobe32(sequence + i);
    uint16_t place = htobe16((uint16_t)(offset + i * run->piece_bytes));
    memcpy(head + COUNTER_AT, &wide, sizeof wide);
    memcpy(head + SEQUENCE_AT, &number, sizeof number);
    memcpy(head + OFFSET_AT, &place, sizeof place);
    uint8_t *datagram = run->arena + run->at + (size_t)i * run->datagram_bytes;
    memcpy(datagram, head, sizeof head);
    memcpy(datagram + sizeof head, run->pieces + run->from + (size_t)i * run->piece_bytes, run->piece_bytes);
  }
  return true;
}
