/*
 * One TUN device: raw IP packets without a header of ours in front (IFF_NO_PI), one packet a system call.
 *
 * Functions return 0 or a count, or a negative errno. Nothing here blocks and nothing allocates.
 */
#ifndef SKYWIRE_TUN_H
#define SKYWIRE_TUN_H

#include <net/if.h>

#include "batch.h"

struct tun {
  int fd;
  char name[IFNAMSIZ]; /* as the kernel gave it: "sky%d" comes back numbered */
  size_t mtu;
  uint64_t read_packets;
  uint64_t written_packets;
  uint64_t write_dropped; /* the device was down or full, or the packet was not IP */
};

/*
 * Creates or attaches to the device, sets its MTU and brings it up, without an address. On error nothing stays open.
 * -ENOENT, -ENODEV, -ENXIO: the kernel has no TUN. -EPERM, -EACCES: no CAP_NET_ADMIN. -EBUSY: somebody else has the device.
 */
int tun_open(struct tun *tun, const char *name, size_t mtu);
void tun_close(struct tun *tun);

/* Reads until the device is empty or the batch is full (no entry or less than one MTU of the arena left). */
long tun_read(struct tun *tun, struct batch *batch);

/* Writes the first `count` packets. -ERANGE when one lies outside the arena: then none was written. */
long tun_write(struct tun *tun, const struct batch *batch, size_t count);

#endif
