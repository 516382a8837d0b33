/*
 * As many UDP packets a second as asked for, and how many of them arrived.
 *
 *   flood send ADDRESS PORT BYTES RATE SECONDS     prints what was sent
 *   flood receive PORT SECONDS                     prints {"packets", "seconds"} of what came; ends 300 ms after the last one
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64
/* No larger burst at once: a device's queue holds 500 packets. */
#define BURST 32
#define PACKET_MAX_BYTES 9000
#define BUFFER_BYTES (16 << 20)
#define QUIET_US 300000

static struct mmsghdr messages[BATCH];
static struct iovec vectors[BATCH];
static uint8_t packets[BATCH][PACKET_MAX_BYTES];

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void lay_out(size_t bytes) {
  for (size_t i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){.iov_base = packets[i], .iov_len = bytes};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
  }
}

static int connected_to(const char *address, const char *port) {
  const struct addrinfo wanted = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST};
  struct addrinfo *to;
  if (getaddrinfo(address, port, &wanted, &to) != 0) return -1;
  int fd = socket(to->ai_family, SOCK_DGRAM, 0);
  return connect(fd, to->ai_addr, to->ai_addrlen) < 0 ? -1 : fd;
}

static int send_packets(const char *address, const char *port, size_t bytes, double rate, double seconds) {
  int fd = connected_to(address, port);
  if (fd < 0) return 1;
  lay_out(bytes);
  prctl(PR_SET_TIMERSLACK, 1000UL);
  long sent = 0;
  double start = now();
  for (double passed = 0; passed < seconds; passed = now() - start) {
    long due = (long)(passed * rate) - sent;
    if (due <= 0) {
      const struct timespec nap = {.tv_nsec = 20000};
      nanosleep(&nap, NULL);
      continue;
    }
    int done = sendmmsg(fd, messages, due < BURST ? (unsigned)due : BURST, 0);
    if (done > 0) sent += done;
  }
  printf("{\"packets\":%ld,\"seconds\":%.4f}\n", sent, now() - start);
  return 0;
}

static int receive_packets(uint16_t port, double seconds) {
  struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  int fd = socket(AF_INET6, SOCK_DGRAM, 0), bytes = BUFFER_BYTES;
  const struct timeval quiet = {.tv_usec = QUIET_US};
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &quiet, sizeof quiet);
  if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0) return 1;
  lay_out(PACKET_MAX_BYTES);
  long got = 0;
  double start = now(), first = 0, last = 0;
  while (now() - start < seconds) {
    int done = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
    if (done > 0) {
      last = now();
      if (got == 0) first = last;
      got += done;
    } else if (got > 0) {
      break;
    }
  }
  printf("{\"packets\":%ld,\"seconds\":%.4f}\n", got, last - first);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 7 && strcmp(argv[1], "send") == 0) {
    size_t bytes = (size_t)atol(argv[4]);
    if (bytes == 0 || bytes > PACKET_MAX_BYTES) return 2;
    return send_packets(argv[2], argv[3], bytes, atof(argv[5]), atof(argv[6]));
  }
  if (argc == 4 && strcmp(argv[1], "receive") == 0) return receive_packets((uint16_t)atoi(argv[2]), atof(argv[3]));
  fprintf(stderr, "usage: flood send ADDRESS PORT BYTES RATE SECONDS | flood receive PORT SECONDS\n");
  return 2;
}
