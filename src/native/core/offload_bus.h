/*
 * Reaching an offload device (docs/hardware.md): its register page, memory that both sides see, a doorbell and an interrupt.
 * Everything that differs between a board and the simulated device (hw/sim/device.cpp) is here.
 *
 *   unix:/path               the simulated device: shared memory and eventfds come over the socket
 *   /dev/uioN,udmabufM       a board: registers through UIO, memory through u-dma-buf (its names under /dev and /sys)
 */
#ifndef SKYWIRE_OFFLOAD_BUS_H
#define SKYWIRE_OFFLOAD_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct offload_bus {
  volatile uint32_t *page;
  uint8_t *memory;
  size_t memory_bytes;
  uint64_t bus_address; /* of the first byte of memory, as the device sees it */
  int socket_fd;        /* -1 on a board */
  int doorbell_fd;      /* -1 on a board */
  int interrupt_fd;
  int memory_fd;
};

/* 0 or a negative errno with nothing left open: -EINVAL for a name of neither form, -EPROTO for a greeting of another version. */
int offload_bus_open(struct offload_bus *bus, const char *device);
void offload_bus_close(struct offload_bus *bus);
/* The other side has left: the simulated device's process ended. */
bool offload_bus_gone(const struct offload_bus *bus);
/* After a doorbell or a command was stored: wakes a simulated device up. A board needs no such thing. */
void offload_bus_wake(const struct offload_bus *bus);
/* Sleeps until the interrupt, no longer than `us`. The caller looks at the completions whatever comes of it. */
void offload_bus_wait(const struct offload_bus *bus, uint32_t us);

static inline uint32_t offload_read(const struct offload_bus *bus, uint32_t offset) { return bus->page[offset / 4]; }

/* What was written to memory before is there before the device sees the register change. */
static inline void offload_write(const struct offload_bus *bus, uint32_t offset, uint32_t value) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  bus->page[offset / 4] = value;
}

#endif
