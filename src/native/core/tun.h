/*
 * One TUN device. With the kernel it exchanges superpackets of TCP where it can (IFF_VNET_HDR, TUN_F_TSO4 and TUN_F_TSO6): one
 * system call, and one pass through the kernel's stack, for many packets. JavaScript gets and gives them as they are, with the
 * payload of their segments beside them; single ones that join are written as one. A kernel that refuses superpackets gets
 * single packets.
 *
 * Functions return 0 or a count, or a negative errno. Nothing here blocks and nothing allocates.
 */
#ifndef SKYWIRE_TUN_H
#define SKYWIRE_TUN_H

#include <net/if.h>

#include "batch.h"
#include "tcp_merge.h"
#include "tcp_split.h"

struct tun {
  int fd;
  char name[IFNAMSIZ]; /* as the kernel gave it: "sky%d" comes back numbered */
  size_t mtu;
  bool superpackets; /* the kernel gives TCP uncut */
  uint64_t read_packets;
  uint64_t read_dropped; /* a superpacket that could not be cut, or a packet longer than the MTU */
  uint64_t read_superpackets;
  uint64_t written_packets;
  uint64_t write_dropped; /* the device was down or full, or the packet was not IP */
  uint64_t written_superpackets;
  struct tcp_split split;
  struct tcp_merge merge;
};

/*
 * Creates or attaches to the device, sets its MTU and brings it up, without an address. On error nothing stays open.
 * -ENOENT, -ENODEV, -ENXIO: the kernel has no TUN. -EPERM, -EACCES: no CAP_NET_ADMIN. -EBUSY: somebody else has the device.
 */
int tun_open(struct tun *tun, const char *name, size_t mtu);
void tun_close(struct tun *tun);

/* Reads until the device is empty or the batch is full (no entry or less than one MTU of the arena left). */
long tun_read(struct tun *tun, struct batch *batch);

/* Whether the batch was full in the middle of a superpacket: the rest is here, and the descriptor does not say so. */
bool tun_has_more(const struct tun *tun);

/* Writes the first `count` packets; those of one connection stay in order. -ERANGE when one lies outside the arena: then none was written. */
long tun_write(struct tun *tun, const struct batch *batch, size_t count);

#endif
