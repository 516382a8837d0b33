#include "udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

/* Half a second of 128 Mb/s: rides out a pause of the event loop, and the kernel only takes what really queues. */
#define SOCKET_BUFFER_BYTES (8 << 20)
/* Messages a system call; the kernel's own limit is 1,024. */
#define MESSAGES 64
/* The kernel's UDP_MAX_SEGMENTS was 64 before 6.9; the bytes of a run must stay below one IP packet's 65,535. */
#define RUN_SEGMENTS 64
#define RUN_BYTES 65000
/* Datagrams of one flush: the messages' vectors live on the stack. */
#define FLUSH_DATAGRAMS 512

#define SEGMENT_CONTROL_BYTES CMSG_SPACE(sizeof(uint16_t))

/* Endpoints */

static void decode_endpoint(const uint8_t *from, struct sockaddr_storage *to, socklen_t *length) {
  memset(to, 0, sizeof *to);
  if (from[1] == 4) {
    struct sockaddr_in *in = (struct sockaddr_in *)to;
    in->sin_family = AF_INET;
    memcpy(&in->sin_port, from + 2, 2);
    memcpy(&in->sin_addr, from + 4, 4);
    *length = sizeof *in;
    return;
  }
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
  uint32_t scope;
  in6->sin6_family = AF_INET6;
  memcpy(&in6->sin6_port, from + 2, 2);
  memcpy(&in6->sin6_addr, from + 4, 16);
  memcpy(&scope, from + 20, 4);
  in6->sin6_scope_id = ntohl(scope);
  *length = sizeof *in6;
}

static void encode_endpoint(const struct sockaddr_storage *from, size_t socket_index, uint8_t *to) {
  memset(to, 0, ENDPOINT_BYTES);
  to[0] = (uint8_t)socket_index;
  if (from->ss_family == AF_INET) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)from;
    to[1] = 4;
    memcpy(to + 2, &in->sin_port, 2);
    memcpy(to + 4, &in->sin_addr, 4);
    return;
  }
  const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
  uint32_t scope = htonl(in6->sin6_scope_id);
  to[1] = 6;
  memcpy(to + 2, &in6->sin6_port, 2);
  memcpy(to + 4, &in6->sin6_addr, 16);
  memcpy(to + 20, &scope, 4);
}

/* Opening */

/* Kernels before 4.18 do not know UDP_SEGMENT, before 5.0 not UDP_GRO: there datagrams go and come one by one. */
static void find_offloads(struct udp_socket *found) {
  int on = 1;
  int none = 0;
  found->segments = setsockopt(found->fd, IPPROTO_UDP, UDP_SEGMENT, &none, sizeof none) == 0;
  found->joins = setsockopt(found->fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) == 0;
}

static void enlarge_buffer(int fd, int force_option, int option) {
  int bytes = SOCKET_BUFFER_BYTES;
  /* FORCE needs CAP_NET_ADMIN; without it the kernel gives what net.core.*mem_max allows, and that must do. */
  if (setsockopt(fd, SOL_SOCKET, force_option, &bytes, sizeof bytes) < 0) {
    (void)setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes);
  }
}

static int set_options(int fd, int family) {
  int on = 1;
  int probe = IP_PMTUDISC_PROBE;
  enlarge_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
  enlarge_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
  if (family == AF_INET) return setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe);
  probe = IPV6_PMTUDISC_PROBE;
  if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) return -1;
  if (setsockopt(fd, IPPROTO_IPV6, IPV6_DONTFRAG, &on, sizeof on) < 0) return -1;
  return setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe, sizeof probe);
}

int udp_bind(struct udp *udp, const char *address, uint16_t port) {
  if (udp->count == UDP_MAX_SOCKETS) return -EMFILE;
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM};
  struct addrinfo *found = NULL;
  char service[6];
  snprintf(service, sizeof service, "%u", port);
  if (getaddrinfo(address, service, &hints, &found) != 0) return -EINVAL;

  int family = found->ai_family;
  int result = 0;
  int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || set_options(fd, family) < 0 || bind(fd, found->ai_addr, found->ai_addrlen) < 0) result = -errno;
  freeaddrinfo(found);
  if (result < 0) {
    if (fd >= 0) close(fd);
    return result;
  }
  struct udp_socket *bound = &udp->sockets[udp->count];
  *bound = (struct udp_socket){.fd = fd, .family = family == AF_INET ? 4 : 6};
  find_offloads(bound);
  return (int)udp->count++;
}

void udp_close(struct udp *udp) {
  for (size_t i = 0; i < udp->count; i++) close(udp->sockets[i].fd);
  udp->count = 0;
}

int udp_local(const struct udp *udp, size_t index, char address[UDP_ADDRESS_TEXT_BYTES], uint16_t *port) {
  if (index >= udp->count) return -EINVAL;
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  char service[6];
  if (getsockname(udp->sockets[index].fd, (struct sockaddr *)&name, &length) < 0) return -errno;
  int flags = NI_NUMERICHOST | NI_NUMERICSERV;
  if (getnameinfo((struct sockaddr *)&name, length, address, UDP_ADDRESS_TEXT_BYTES, service, sizeof service, flags) != 0) {
    return -EINVAL;
  }
  *port = ntohs(((struct sockaddr_in *)&name)->sin_port); /* the port lies at the same place in sockaddr_in6 */
  return 0;
}

bool udp_sends_runs(const struct udp *udp) {
  for (size_t i = 0; i < udp->count; i++) {
    if (!udp->sockets[i].segments) return false;
  }
  return udp->count > 0;
}

bool udp_receives_runs(const struct udp *udp) {
  for (size_t i = 0; i < udp->count; i++) {
    if (!udp->sockets[i].joins) return false;
  }
  return udp->count > 0;
}

uint64_t udp_receive_dropped(const struct udp *udp) {
  uint64_t dropped = 0;
  for (size_t i = 0; i < udp->count; i++) {
    uint32_t info[SK_MEMINFO_VARS];
    socklen_t length = sizeof info;
    if (getsockopt(udp->sockets[i].fd, SOL_SOCKET, SO_MEMINFO, info, &length) < 0) continue;
    if (length > SK_MEMINFO_DROPS * sizeof info[0]) dropped += info[SK_MEMINFO_DROPS];
  }
  return dropped;
}

/* Sending */

/* Messages for one socket that go out in one system call; message i carries `datagrams[i]` datagrams. */
struct flush {
  struct mmsghdr messages[MESSAGES];
  struct sockaddr_storage addresses[MESSAGES];
  _Alignas(struct cmsghdr) uint8_t control[MESSAGES][SEGMENT_CONTROL_BYTES];
  size_t datagrams[MESSAGES];
  struct iovec vectors[FLUSH_DATAGRAMS];
  size_t message_count;
  size_t vector_count;
};

/* How many datagrams from `first` go out as one message: same endpoint, same length, only the last may be shorter. */
static size_t run_length(const struct batch *batch, size_t first, size_t end) {
  const uint8_t *endpoint = batch->endpoints + first * ENDPOINT_BYTES;
  uint32_t length = batch->lengths[first];
  size_t bytes = length;
  size_t n = 1;
  if (length == 0) return 1;
  while (first + n < end && n < RUN_SEGMENTS) {
    uint32_t next = batch->lengths[first + n];
    if (next == 0 || next > length || bytes + next > RUN_BYTES) break;
    if (memcmp(endpoint, endpoint + n * ENDPOINT_BYTES, ENDPOINT_BYTES) != 0) break;
    bytes += next;
    n++;
    if (next < length) break;
  }
  return n;
}

static void add_message(struct flush *flush, const struct batch *batch, size_t first, size_t n) {
  size_t at = flush->message_count++;
  struct msghdr *header = &flush->messages[at].msg_hdr;
  memset(&flush->messages[at], 0, sizeof flush->messages[at]);
  flush->datagrams[at] = n;
  decode_endpoint(batch->endpoints + first * ENDPOINT_BYTES, &flush->addresses[at], &header->msg_namelen);
  header->msg_name = &flush->addresses[at];
  header->msg_iov = &flush->vectors[flush->vector_count];
  header->msg_iovlen = n;
  for (size_t i = 0; i < n; i++) {
    flush->vectors[flush->vector_count++] =
        (struct iovec){.iov_base = batch->arena + batch->offsets[first + i], .iov_len = batch->lengths[first + i]};
  }
  if (n == 1) return;
  uint16_t segment_bytes = (uint16_t)batch->lengths[first];
  memset(flush->control[at], 0, SEGMENT_CONTROL_BYTES);
  header->msg_control = flush->control[at];
  header->msg_controllen = SEGMENT_CONTROL_BYTES;
  struct cmsghdr *control = CMSG_FIRSTHDR(header);
  control->cmsg_level = IPPROTO_UDP;
  control->cmsg_type = UDP_SEGMENT;
  control->cmsg_len = CMSG_LEN(sizeof segment_bytes);
  memcpy(CMSG_DATA(control), &segment_bytes, sizeof segment_bytes);
}

static bool is_full(int error) { return error == EAGAIN || error == ENOBUFS || error == ENOMEM; }

static void count_lost(struct udp *udp, int error, size_t datagrams) {
  if (is_full(error)) udp->send_dropped += datagrams;
  else udp->send_failed += datagrams;
}

/* The datagrams of a run that the system refused as a run: an interface without checksum offload says EIO. */
static void send_singly(struct udp *udp, int fd, const struct msghdr *run) {
  struct msghdr single = {.msg_name = run->msg_name, .msg_namelen = run->msg_namelen, .msg_iovlen = 1};
  for (size_t i = 0; i < run->msg_iovlen; i++) {
    single.msg_iov = &run->msg_iov[i];
    ssize_t result;
    do result = sendmsg(fd, &single, MSG_DONTWAIT);
    while (result < 0 && errno == EINTR);
    if (result < 0) count_lost(udp, errno, 1);
    else udp->sent++;
  }
}

static void send_flush(struct udp *udp, struct udp_socket *socket, struct flush *flush) {
  size_t at = 0;
  while (at < flush->message_count) {
    /* The raw call: musl's sendmmsg is a loop over sendmsg. */
    long done = syscall(SYS_sendmmsg, socket->fd, &flush->messages[at], flush->message_count - at, MSG_DONTWAIT);
    if (done > 0) {
      for (size_t end = at + (size_t)done; at < end; at++) udp->sent += flush->datagrams[at];
      continue;
    }
    int error = errno;
    if (error == EINTR) continue;
    if (flush->datagrams[at] > 1 && !is_full(error)) {
      if (error == EIO) socket->segments = false;
      send_singly(udp, socket->fd, &flush->messages[at].msg_hdr);
    } else {
      count_lost(udp, error, flush->datagrams[at]);
    }
    at++;
  }
  flush->message_count = 0;
  flush->vector_count = 0;
}

static bool is_of_socket(const struct udp *udp, const uint8_t *endpoint) {
  return endpoint[0] < udp->count && endpoint[1] == udp->sockets[endpoint[0]].family;
}

bool udp_owns(const struct udp *udp, const struct batch *batch, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!is_of_socket(udp, batch->endpoints + i * ENDPOINT_BYTES)) return false;
  }
  return true;
}

long udp_send(struct udp *udp, const struct batch *batch, size_t count) {
  if (!batch_holds(batch, count)) return -ERANGE;
  uint64_t sent_before = udp->sent;
  struct flush flush;
  struct udp_socket *socket = NULL; /* whose messages `flush` holds */
  flush.message_count = 0;
  flush.vector_count = 0;

  for (size_t i = 0; i < count;) {
    const uint8_t *endpoint = batch->endpoints + i * ENDPOINT_BYTES;
    if (!is_of_socket(udp, endpoint)) {
      udp->send_failed++;
      i++;
      continue;
    }
    struct udp_socket *wanted = &udp->sockets[endpoint[0]];
    size_t n = wanted->segments ? run_length(batch, i, count) : 1;
    bool full = flush.message_count == MESSAGES || flush.vector_count + n > FLUSH_DATAGRAMS;
    if (socket != NULL && (wanted != socket || full)) send_flush(udp, socket, &flush);
    socket = wanted;
    add_message(&flush, batch, i, n);
    i += n;
  }
  if (socket != NULL) send_flush(udp, socket, &flush);
  return (long)(udp->sent - sent_before);
}

/* Receiving */

/* One system call on one socket, into `incoming`. Returns how many messages came; 0 when there is nothing more. */
static size_t receive_some(struct udp *udp, size_t index) {
  struct udp_incoming *incoming = &udp->incoming;
  for (size_t i = 0; i < UDP_RECEIVE_MESSAGES; i++) {
    incoming->vectors[i] = (struct iovec){.iov_base = incoming->bytes[i], .iov_len = UDP_RECEIVE_BYTES};
    incoming->messages[i].msg_hdr = (struct msghdr){.msg_iov = &incoming->vectors[i],
                                                    .msg_iovlen = 1,
                                                    .msg_name = &incoming->addresses[i],
                                                    .msg_namelen = sizeof incoming->addresses[i],
                                                    .msg_control = incoming->control[i],
                                                    .msg_controllen = sizeof incoming->control[i]};
  }
  long got;
  do got = syscall(SYS_recvmmsg, udp->sockets[index].fd, incoming->messages, UDP_RECEIVE_MESSAGES, MSG_DONTWAIT, NULL);
  while (got < 0 && errno == EINTR);
  incoming->socket = index;
  incoming->message = 0;
  incoming->taken = 0;
  /* An error that waited at the socket is cleared by this; what follows it comes next time. */
  incoming->count = got < 0 ? 0 : (size_t)got;
  return incoming->count;
}

/* How long the datagrams in a message are: as long as the message, unless the kernel put several into it. */
static size_t segment_bytes(struct msghdr *header, size_t bytes) {
  for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL; control = CMSG_NXTHDR(header, control)) {
    if (control->cmsg_level != IPPROTO_UDP || control->cmsg_type != UDP_GRO) continue;
    int segment;
    memcpy(&segment, CMSG_DATA(control), sizeof segment);
    if (segment > 0 && (size_t)segment < bytes) return (size_t)segment;
  }
  return bytes;
}

/* Moves datagrams of one message to the batch, from entry `count` on, until either is used up. Returns the new count. */
static size_t take_message(struct udp *udp, struct batch *batch, size_t slot_bytes, size_t count) {
  struct udp_incoming *incoming = &udp->incoming;
  struct mmsghdr *message = &incoming->messages[incoming->message];
  const uint8_t *bytes = incoming->bytes[incoming->message];
  size_t segment = segment_bytes(&message->msg_hdr, message->msg_len);
  do {
    size_t left = message->msg_len - incoming->taken;
    size_t length = left < segment ? left : segment;
    if (length > slot_bytes) {
      udp->truncated++;
    } else {
      batch->offsets[count] = (uint32_t)(count * slot_bytes);
      batch->lengths[count] = (uint32_t)length;
      memcpy(batch->arena + count * slot_bytes, bytes + incoming->taken, length);
      encode_endpoint(&incoming->addresses[incoming->message], incoming->socket, batch->endpoints + count * ENDPOINT_BYTES);
      count++;
      udp->received++;
    }
    incoming->taken += length;
  } while (incoming->taken < message->msg_len && count < batch->capacity);
  if (incoming->taken == message->msg_len) {
    incoming->message++;
    incoming->taken = 0;
  }
  return count;
}

bool udp_has_more(const struct udp *udp) {
  return udp->incoming.message < udp->incoming.count;
}

long udp_receive(struct udp *udp, struct batch *batch) {
  size_t slot_bytes = batch->capacity == 0 ? 0 : batch->arena_bytes / batch->capacity;
  if (slot_bytes == 0) return -EINVAL;
  size_t count = 0;
  size_t emptied = 0; /* sockets in a row that gave fewer messages than they might have */
  while (count < batch->capacity) {
    if (udp_has_more(udp)) {
      count = take_message(udp, batch, slot_bytes, count);
      continue;
    }
    if (emptied == udp->count) break;
    emptied = receive_some(udp, udp->next) < UDP_RECEIVE_MESSAGES ? emptied + 1 : 0;
    udp->next = (udp->next + 1) % udp->count;
  }
  return (long)count;
}
