/*
 * A stream of numbered UDP packets from one network namespace to another, sent and received by the same program: one clock,
 * so one-way delays are exact.
 *
 *   udp-stream --client NAMESPACE --server NAMESPACE --address A [--port 7000] [--direction up|down] [--rate 100] [--bytes 200]
 *              [--seconds 5] [--skip-seconds 0] [--drain-seconds 1] [--within-ms 150] [--tos 0] [--watch-stalls 0]
 *
 * `up`: the client sends to the server's address. `down`: the client calls the server every 50 ms until the stream comes, so
 * that a NAT between them lets it through. Prints one line of JSON (tally.c). SIGTERM ends the stream early. Runs at a real-time
 * priority where it may.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "options.h"
#include "stalls.h"
#include "tally.h"

#define NS_PER_S 1000000000LL
#define CALL_EVERY_NS (50 * 1000000LL)
/* A server that hears no call for so long has no client. */
#define CALL_MAX_NS (5 * NS_PER_S)
#define RECEIVE_BUFFER_BYTES (8 << 20)
#define PACKET_MAX_BYTES 65507

static _Noreturn void die(const char *what) {
  fprintf(stderr, "udp-stream: %s: %s\n", what, strerror(errno));
  exit(1);
}

static volatile sig_atomic_t ended;

static void end_stream(int signal_number) {
  (void)signal_number;
  ended = 1;
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int socket_in(const char *namespace_name, int tos) {
  char path[256];
  snprintf(path, sizeof path, "/run/netns/%s", namespace_name);
  int namespace_fd = open(path, O_RDONLY | O_CLOEXEC);
  if (namespace_fd < 0 || setns(namespace_fd, CLONE_NEWNET) < 0) die(namespace_name);
  close(namespace_fd);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  int bytes = RECEIVE_BUFFER_BYTES;
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  if (setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos) < 0) die("IP_TOS");
  return fd;
}

struct ends {
  int client, server;
};

static struct ends open_ends(const struct options *options) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options->port)};
  if (inet_pton(AF_INET, options->address, &address.sin_addr) != 1) errno = EINVAL, die(options->address);
  struct ends ends = {socket_in(options->client, options->tos), 0};
  ends.server = socket_in(options->server, options->tos);
  if (bind(ends.server, (struct sockaddr *)&address, sizeof address) < 0) die("bind");
  if (connect(ends.client, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
  return ends;
}

static void wait_readable(int fd, int64_t until_ns) {
  int64_t left_ns = until_ns - now_ns();
  if (left_ns < 0) left_ns = 0;
  struct timespec left = {.tv_sec = left_ns / NS_PER_S, .tv_nsec = left_ns % NS_PER_S};
  struct pollfd poll = {.fd = fd, .events = POLLIN};
  (void)ppoll(&poll, 1, &left, NULL);
}

/* The server learns where the client calls from. False when no call arrives. */
static bool answer_call(struct ends ends) {
  struct sockaddr_in from;
  socklen_t length = sizeof from;
  char call;
  for (int64_t start_ns = now_ns(); now_ns() - start_ns < CALL_MAX_NS;) {
    if (send(ends.client, "?", 1, 0) < 0 && errno != ECONNREFUSED) return false;
    wait_readable(ends.server, now_ns() + CALL_EVERY_NS);
    if (recvfrom(ends.server, &call, 1, 0, (struct sockaddr *)&from, &length) < 0) continue;
    return connect(ends.server, (struct sockaddr *)&from, length) == 0;
  }
  return false;
}

static void receive_all(int fd, struct tally *tally) {
  uint8_t packet[PACKET_MAX_BYTES];
  ssize_t bytes;
  while ((bytes = recv(fd, packet, sizeof packet, 0)) >= 0 || errno == ECONNREFUSED) {
    uint32_t number;
    if (bytes < (ssize_t)sizeof number) continue; /* a call */
    memcpy(&number, packet, sizeof number);
    tally_arrived(tally, number, now_ns());
  }
}

static void run(const struct options *options, int sender, int receiver, struct tally *tally) {
  static uint8_t packet[PACKET_MAX_BYTES];
  int64_t start_ns = now_ns();
  tally->first = (uint32_t)(options->skip_seconds * options->rate);
  while (tally->sent < tally->room && !ended) {
    int64_t due_ns = start_ns + (int64_t)((double)tally->sent * 1e9 / options->rate);
    wait_readable(receiver, due_ns);
    receive_all(receiver, tally);
    if (now_ns() < due_ns) continue;
    memcpy(packet, &tally->sent, sizeof tally->sent);
    tally_sent(tally, now_ns());
    /* A full queue at the sender is a loss like another. */
    (void)!send(sender, packet, options->bytes, 0);
  }
  int64_t end_ns = now_ns() + (int64_t)(options->drain_seconds * 1e9);
  while (now_ns() < end_ns) {
    wait_readable(receiver, end_ns);
    receive_all(receiver, tally);
  }
}

int main(int argc, char **argv) {
  struct options options;
  if (!options_read(&options, argc, argv)) return 2;
  if (options.bytes < sizeof(uint32_t) || options.bytes > PACKET_MAX_BYTES || options.rate <= 0) {
    fprintf(stderr, "udp-stream: a packet has 4 to %d bytes, and a stream a rate\n", PACKET_MAX_BYTES);
    return 2;
  }
  struct ends ends = open_ends(&options);
  struct sched_param first = {.sched_priority = 1};
  (void)sched_setscheduler(0, SCHED_FIFO, &first);
  prctl(PR_SET_TIMERSLACK, 1);

  (void)signal(SIGTERM, end_stream);
  struct tally tally;
  tally_init(&tally, (uint32_t)(options.rate * options.seconds));
  if (options.watch_stalls) stalls_watch();
  bool ready = !options.down || answer_call(ends);
  if (ready && options.down) run(&options, ends.server, ends.client, &tally);
  else if (ready) run(&options, ends.client, ends.server, &tally);
  uint32_t stalls = stalls_end();
  tally_print(&tally, options.bytes, options.within_ms, stalls);
}
