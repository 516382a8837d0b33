#include "in_flight.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 1024

static bool is_before(const struct frame *a, const struct frame *b) {
  return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->arrival < b->arrival;
}

static bool make_room(struct in_flight *in_flight, size_t bytes) {
  if (in_flight->held_bytes + bytes > IN_FLIGHT_MAX_BYTES) return false;
  if (in_flight->count < in_flight->capacity) return true;
  size_t capacity = in_flight->capacity > 0 ? in_flight->capacity * 2 : FIRST_CAPACITY;
  struct frame *frames = realloc(in_flight->frames, capacity * sizeof *frames);
  if (frames == NULL) return false;
  in_flight->frames = frames;
  in_flight->capacity = capacity;
  return true;
}

bool in_flight_add(struct in_flight *in_flight, int64_t due_ns, int to_fd, const uint8_t *data, size_t bytes) {
  if (!make_room(in_flight, bytes)) return false;
  uint8_t *copy = malloc(bytes);
  if (copy == NULL) return false;
  memcpy(copy, data, bytes);
  struct frame frame = {due_ns, in_flight->arrivals++, to_fd, bytes, copy};
  struct frame *heap = in_flight->frames;
  size_t at = in_flight->count++;
  for (; at > 0 && is_before(&frame, &heap[(at - 1) / 2]); at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
  heap[at] = frame;
  in_flight->held_bytes += bytes;
  return true;
}

const struct frame *in_flight_first(const struct in_flight *in_flight) {
  return in_flight->count > 0 ? &in_flight->frames[0] : NULL;
}

void in_flight_remove_first(struct in_flight *in_flight) {
  struct frame *heap = in_flight->frames;
  in_flight->held_bytes -= heap[0].bytes;
  free(heap[0].data);
  struct frame last = heap[--in_flight->count];
  size_t at = 0;
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= in_flight->count) break;
    if (child + 1 < in_flight->count && is_before(&heap[child + 1], &heap[child])) child++;
    if (!is_before(&heap[child], &last)) break;
    heap[at] = heap[child];
    at = child;
  }
  if (in_flight->count > 0) heap[at] = last;
}
