/*
 * When the machine stood still: a hypervisor that runs somebody else, a kernel that can't be interrupted. One thread a CPU, above
 * every other program, wakes up every quarter of a millisecond and notes when it was late; nothing that a program of the lab does
 * outside the kernel can make it so.
 */
#ifndef STREAM_STALLS_H
#define STREAM_STALLS_H

#include <stdint.h>

/* Starts to watch. Says on stderr why where it can't; then nothing is noted. */
void stalls_watch(void);

/* Ends that. Returns how often a CPU stood still; two at the same time count once. */
uint32_t stalls_end(void);

/* ns of CLOCK_MONOTONIC in which a CPU stood still, of those from `from_ns` to `to_ns`. After `stalls_end`. */
int64_t stalls_between_ns(int64_t from_ns, int64_t to_ns);

#endif
