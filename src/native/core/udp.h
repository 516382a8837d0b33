/*
 * The UDP sockets of a node as one transport: up to UDP_MAX_SOCKETS bound sockets, IPv4 and IPv6, told apart by the socket
 * index in each endpoint. Sends with sendmmsg, and runs of equal-sized datagrams to one endpoint with UDP_SEGMENT;
 * receives with recvmmsg, and runs from one endpoint as one message with UDP_GRO where the kernel has it.
 *
 * IP_MTU_DISCOVER is PROBE: "don't fragment" is set and the kernel's own idea of the path MTU is ignored, so that
 * docs/protocol.md 3.1 can find the size itself.
 *
 * Functions return 0 or a count, or a negative errno. Nothing here blocks and nothing allocates.
 */
#ifndef SKYWIRE_UDP_H
#define SKYWIRE_UDP_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "batch.h"

#define UDP_MAX_SOCKETS 16

struct udp_socket {
  int fd;
  uint8_t family; /* 4 or 6, as in an endpoint */
  bool segments;  /* UDP_SEGMENT works here: false where the kernel has none, or after the driver refused it */
  bool joins;     /* UDP_GRO does */
};

/* Messages of one system call, and the bytes of the longest: one IP packet. */
#define UDP_RECEIVE_MESSAGES 16
#define UDP_RECEIVE_BYTES 65536

/* What one system call received and was not taken yet. A message holds datagrams of `segment_bytes`; its last may be shorter. */
struct udp_incoming {
  struct mmsghdr messages[UDP_RECEIVE_MESSAGES];
  struct iovec vectors[UDP_RECEIVE_MESSAGES];
  struct sockaddr_storage addresses[UDP_RECEIVE_MESSAGES];
  _Alignas(struct cmsghdr) uint8_t control[UDP_RECEIVE_MESSAGES][CMSG_SPACE(sizeof(int))];
  uint8_t bytes[UDP_RECEIVE_MESSAGES][UDP_RECEIVE_BYTES];
  size_t socket;
  size_t count;
  size_t message; /* the next to take from */
  size_t taken;   /* of its bytes */
};

struct udp {
  struct udp_socket sockets[UDP_MAX_SOCKETS];
  size_t count;
  size_t next; /* where the next receive begins, so that one busy socket can't starve the others */
  uint64_t sent;
  uint64_t received;
  uint64_t send_dropped; /* the socket buffer or the device queue was full */
  uint64_t send_failed;  /* no route, larger than the interface's MTU, filtered, an endpoint of no socket here */
  uint64_t truncated;    /* arrived longer than a slot of the batch, dropped */
  struct udp_incoming incoming;
};

/* The textual address needs INET6_ADDRSTRLEN bytes and room for "%" and an interface name. */
#define UDP_ADDRESS_TEXT_BYTES 64

/*
 * Opens one more socket, bound to an IP literal ("0.0.0.0", "::", "fe80::1%eth0"). Returns its index. -EINVAL: not an IP
 * literal. -EMFILE: UDP_MAX_SOCKETS reached. Otherwise what socket(2) and bind(2) say.
 */
int udp_bind(struct udp *udp, const char *address, uint16_t port);
void udp_close(struct udp *udp);

/* Where socket `index` is bound: the port is the real one when 0 was asked for. */
int udp_local(const struct udp *udp, size_t index, char address[UDP_ADDRESS_TEXT_BYTES], uint16_t *port);

/* Whether all sockets send, or receive, runs of datagrams in one message. */
bool udp_sends_runs(const struct udp *udp);
bool udp_receives_runs(const struct udp *udp);

/* Datagrams that the kernel threw away because a receive buffer was full. */
uint64_t udp_receive_dropped(const struct udp *udp);

/* Whether the endpoints of the first `count` datagrams, which the batch holds, are of sockets here. */
bool udp_owns(const struct udp *udp, const struct batch *batch, size_t count);

/* Sends the first `count` datagrams. -ERANGE when one lies outside the arena: then none was sent. */
long udp_send(struct udp *udp, const struct batch *batch, size_t count);

/*
 * Receives what is there, up to the batch's capacity. Datagram slots are arena_bytes / capacity long; what is longer is
 * dropped and counted. -EINVAL when the arena is too small to give each entry a byte.
 */
long udp_receive(struct udp *udp, struct batch *batch);

/* Whether the batch was full before all was taken that a system call received: the descriptors do not say so. */
bool udp_has_more(const struct udp *udp);

#endif
