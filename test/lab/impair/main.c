/*
 * Cables with delay, jitter, rate, queue, loss, reordering and a direction, for kernels without netem: `impair SOCKET SEED`.
 *
 * Each cable joins two TAP devices in two network namespaces. One loop reads what an end sends, asks the direction (direction.h)
 * when it arrives, and writes it to the other end then. Commands (commands.h) come over the unix socket SOCKET. The program runs
 * at a real-time priority where it may: beside busy daemons a frame would wait for whole time slices otherwise.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cables.h"
#include "commands.h"

#define EVENTS_AT_ONCE 64
/* Waking up costs more than moving a frame: where traffic is dense, the cables are looked after at this pace and no faster. */
#define LOOK_EVERY_NS 250000
#define LINE_BYTES 1024
/* Poll tags beyond those of the cables' ends. */
#define TAG_LISTENER (2 * CABLES_MAX)
#define TAG_CLIENT (2 * CABLES_MAX + 1)

static struct cables cables;

/* One client at a time: the lab. */
struct client {
  int fd;
  char line[LINE_BYTES];
  size_t length;
};

static _Noreturn void die(const char *what) {
  fprintf(stderr, "impair: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int listen_on(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) errno = ENAMETOOLONG, die(path);
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0) die(path);
  return fd;
}

static void watch(int poll_fd, int fd, uint64_t tag) {
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};
  if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

static void answer_lines(struct client *client, int poll_fd) {
  char *end;
  while ((end = memchr(client->line, '\n', client->length)) != NULL) {
    char answer[ANSWER_BYTES + 1];
    *end = '\0';
    command_run(&cables, poll_fd, client->line, answer);
    strcat(answer, "\n");
    if (send(client->fd, answer, strlen(answer), MSG_NOSIGNAL) < 0) return;
    size_t used = (size_t)(end + 1 - client->line);
    memmove(client->line, client->line + used, client->length - used);
    client->length -= used;
  }
}

static void read_client(struct client *client, int poll_fd) {
  ssize_t bytes = read(client->fd, client->line + client->length, sizeof client->line - client->length);
  if (bytes > 0) {
    client->length += (size_t)bytes;
    answer_lines(client, poll_fd);
    if (client->length < sizeof client->line) return;
  }
  /* Gone, or a line that is too long. */
  close(client->fd);
  client->fd = -1;
}

static void accept_client(struct client *client, int listener, int poll_fd) {
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0) return;
  if (client->fd >= 0) {
    close(fd);
    return;
  }
  *client = (struct client){.fd = fd};
  watch(poll_fd, fd, TAG_CLIENT);
}

static int wait_for_work(int poll_fd, struct epoll_event *events, int64_t due_ns) {
  if (due_ns < 0) return epoll_pwait2(poll_fd, events, EVENTS_AT_ONCE, NULL, NULL);
  int64_t left_ns = due_ns - now_monotonic_ns();
  if (left_ns < 0) left_ns = 0;
  struct timespec left = {.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000};
  return epoll_pwait2(poll_fd, events, EVENTS_AT_ONCE, &left, NULL);
}

static void sleep_until(int64_t time_ns) {
  struct timespec time = {.tv_sec = time_ns / 1000000000, .tv_nsec = time_ns % 1000000000};
  (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static void run(int listener) {
  struct client client = {.fd = -1};
  int poll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (poll_fd < 0) die("epoll_create1");
  watch(poll_fd, listener, TAG_LISTENER);
  int64_t last_woke_ns = 0;
  for (;;) {
    struct epoll_event events[EVENTS_AT_ONCE];
    int64_t due_ns = cables_deliver(&cables, now_monotonic_ns() + LOOK_EVERY_NS / 2);
    int count = wait_for_work(poll_fd, events, due_ns);
    if (count < 0 && errno != EINTR) die("epoll_pwait2");
    int64_t woke_ns = now_monotonic_ns();
    bool dense = woke_ns - last_woke_ns < LOOK_EVERY_NS;
    last_woke_ns = woke_ns;
    for (int i = 0; i < count; i++) {
      uint64_t tag = events[i].data.u64;
      if (tag == TAG_LISTENER) accept_client(&client, listener, poll_fd);
      else if (tag == TAG_CLIENT) read_client(&client, poll_fd);
      else cables_read(&cables, tag);
    }
    if (!dense) continue;
    cables_deliver(&cables, woke_ns + LOOK_EVERY_NS / 2);
    last_woke_ns += LOOK_EVERY_NS;
    sleep_until(last_woke_ns);
  }
}

/* None of it is needed where the machine is idle, and none of it is allowed everywhere: the lateness tells whether it was missed. */
static void ask_for_punctuality(void) {
  struct sched_param first = {.sched_priority = 1};
  if (sched_setscheduler(0, SCHED_FIFO, &first) < 0) fprintf(stderr, "impair: no real-time priority: %s\n", strerror(errno));
  prctl(PR_SET_TIMERSLACK, 1);
  (void)mlockall(MCL_CURRENT | MCL_FUTURE);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: impair SOCKET SEED\n");
    return 2;
  }
  cables.seed = strtoull(argv[2], NULL, 10);
  int listener = listen_on(argv[1]);
  ask_for_punctuality();
  run(listener);
}
