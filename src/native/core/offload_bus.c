#include "offload_bus.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "offload_abi.h"

#define UNIX_PREFIX "unix:"
#define GREETING_VERSION 1
#define GREETING_FDS 3
/* A process that takes the connection but says nothing is as good as none. The daemon waits for it. */
#define GREETING_MS 1000
#define MAX_NAME 64

struct greeting {
  char name[4];
  uint32_t version;
  uint32_t page_bytes;
  uint32_t memory_bytes;
};

static void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

void offload_bus_close(struct offload_bus *bus) {
  if (bus->page != NULL) munmap((void *)bus->page, OFFLOAD_REGISTER_PAGE_BYTES);
  if (bus->memory != NULL) munmap(bus->memory, bus->memory_bytes);
  bus->page = NULL;
  bus->memory = NULL;
  close_fd(&bus->socket_fd);
  close_fd(&bus->doorbell_fd);
  close_fd(&bus->interrupt_fd);
  close_fd(&bus->memory_fd);
}

static int connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  int error = -errno;
  close(fd);
  return error;
}

static int take_greeting(struct offload_bus *bus, struct greeting *greeting) {
  union {
    char bytes[CMSG_SPACE(GREETING_FDS * sizeof(int))];
    struct cmsghdr align;
  } control;
  struct iovec part = {.iov_base = greeting, .iov_len = sizeof *greeting};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct pollfd readable = {.fd = bus->socket_fd, .events = POLLIN};
  if (poll(&readable, 1, GREETING_MS) <= 0) return -ETIMEDOUT;
  ssize_t got = recvmsg(bus->socket_fd, &message, MSG_CMSG_CLOEXEC);
  if (got < 0) return -errno;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header == NULL || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(GREETING_FDS * sizeof(int))) return -EPROTO;
  int fds[GREETING_FDS];
  memcpy(fds, CMSG_DATA(header), sizeof fds);
  bus->memory_fd = fds[0];
  bus->doorbell_fd = fds[1];
  bus->interrupt_fd = fds[2];
  bool right = got == sizeof *greeting && memcmp(greeting->name, "SKYO", 4) == 0 && greeting->version == GREETING_VERSION &&
               greeting->page_bytes == OFFLOAD_REGISTER_PAGE_BYTES;
  return right ? 0 : -EPROTO;
}

static void *map(int fd, size_t bytes, off_t at) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, at);
  return memory == MAP_FAILED ? NULL : memory;
}

static int open_simulated(struct offload_bus *bus, const char *path) {
  struct greeting greeting;
  bus->socket_fd = connect_to(path);
  if (bus->socket_fd < 0) return bus->socket_fd;
  int error = take_greeting(bus, &greeting);
  if (error < 0) return error;
  bus->memory_bytes = greeting.memory_bytes;
  bus->page = map(bus->memory_fd, OFFLOAD_REGISTER_PAGE_BYTES, 0);
  bus->memory = map(bus->memory_fd, bus->memory_bytes, OFFLOAD_REGISTER_PAGE_BYTES);
  return bus->page == NULL || bus->memory == NULL ? -ENOMEM : 0;
}

static int read_number(const char *name, const char *what, uint64_t *value) {
  char path[128];
  char text[32] = "";
  long long number;
  snprintf(path, sizeof path, "/sys/class/u-dma-buf/%s/%s", name, what);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  if (got <= 0 || sscanf(text, "%lli", &number) != 1) return -EIO;
  *value = (uint64_t)number;
  return 0;
}

static int open_board(struct offload_bus *bus, const char *uio, const char *memory) {
  char path[MAX_NAME + 8];
  uint64_t bytes = 0;
  int error = read_number(memory, "size", &bytes);
  if (error == 0) error = read_number(memory, "phys_addr", &bus->bus_address);
  if (error < 0) return error;
  bus->memory_bytes = bytes;
  snprintf(path, sizeof path, "/dev/%s", memory);
  bus->interrupt_fd = open(uio, O_RDWR | O_CLOEXEC);
  if (bus->interrupt_fd < 0) return -errno;
  bus->memory_fd = open(path, O_RDWR | O_CLOEXEC);
  if (bus->memory_fd < 0) return -errno;
  bus->page = map(bus->interrupt_fd, OFFLOAD_REGISTER_PAGE_BYTES, 0);
  bus->memory = map(bus->memory_fd, bus->memory_bytes, 0);
  return bus->page == NULL || bus->memory == NULL ? -ENOMEM : 0;
}

int offload_bus_open(struct offload_bus *bus, const char *device) {
  char uio[MAX_NAME];
  char memory[MAX_NAME];
  int error;
  *bus = (struct offload_bus){.socket_fd = -1, .doorbell_fd = -1, .interrupt_fd = -1, .memory_fd = -1};
  if (strncmp(device, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0) error = open_simulated(bus, device + strlen(UNIX_PREFIX));
  else if (sscanf(device, "%63[^,],%63[^,/]", uio, memory) == 2) error = open_board(bus, uio, memory);
  else error = -EINVAL;
  if (error < 0) offload_bus_close(bus);
  return error;
}

bool offload_bus_gone(const struct offload_bus *bus) {
  if (bus->socket_fd < 0) return false;
  struct pollfd socket = {.fd = bus->socket_fd, .events = POLLIN};
  return poll(&socket, 1, 0) != 0;
}

void offload_bus_wake(const struct offload_bus *bus) {
  const uint64_t one = 1;
  if (bus->doorbell_fd < 0) return;
  /* It can only fail because the count is at its end: then the device has been called often enough. */
  ssize_t written = write(bus->doorbell_fd, &one, sizeof one);
  (void)written;
}

void offload_bus_wait(const struct offload_bus *bus, uint32_t us) {
  struct timespec timeout = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};
  struct pollfd fds[2] = {{.fd = bus->interrupt_fd, .events = POLLIN}, {.fd = bus->socket_fd, .events = POLLIN}};
  uint64_t count;
  if (bus->socket_fd < 0) {
    /* UIO: a 1 lets the interrupt through once more. */
    const int32_t enable = 1;
    if (write(bus->interrupt_fd, &enable, sizeof enable) < 0) return;
  }
  if (ppoll(fds, bus->socket_fd < 0 ? 1 : 2, &timeout, NULL) <= 0 || !(fds[0].revents & POLLIN)) return;
  ssize_t got = read(bus->interrupt_fd, &count, bus->socket_fd < 0 ? sizeof(uint32_t) : sizeof count);
  (void)got;
  if (bus->socket_fd < 0) offload_write(bus, OFFLOAD_REG_IRQ_PENDING, 0xff);
}
