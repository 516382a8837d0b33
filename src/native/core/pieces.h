/*
 * Session datagrams of one run: pieces of the same length of one message, each behind its headers in a datagram that it fills
 * (src/wire/piece-copier.ts is the readable one).
 */
#ifndef SKYWIRE_PIECES_H
#define SKYWIRE_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Session header (16), then a DATA frame's type, length, route id, sequence, message, offset and flags (30). */
#define PIECE_HEAD_BYTES 46

struct piece_run {
  uint8_t *arena;
  size_t arena_bytes;
  uint32_t at; /* of the first datagram, whose headers stand there already */
  uint32_t datagram_bytes;
  uint32_t count;
  const uint8_t *pieces;
  size_t pieces_bytes;
  uint32_t from; /* of the first piece */
  uint32_t piece_bytes;
};

/* False, and nothing written, when the datagrams do not lie in the arena, the pieces in theirs, or a piece in its datagram. */
bool pieces_lay(const struct piece_run *run);

#endif
