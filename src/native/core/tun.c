#include "tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Interface flags and MTU are set through any socket: the TUN's own descriptor does not take these requests. */
static int bring_up(const char *name, size_t mtu) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  struct ifreq request = {0};
  memcpy(request.ifr_name, name, IFNAMSIZ);
  request.ifr_mtu = (int)mtu;
  int result = ioctl(fd, SIOCSIFMTU, &request);
  if (result == 0) result = ioctl(fd, SIOCGIFFLAGS, &request);
  if (result == 0) {
    request.ifr_flags |= IFF_UP;
    result = ioctl(fd, SIOCSIFFLAGS, &request);
  }
  result = result < 0 ? -errno : 0;
  close(fd);
  return result;
}

int tun_open(struct tun *tun, const char *name, size_t mtu) {
  size_t name_length = strlen(name);
  if (name_length == 0 || name_length >= IFNAMSIZ) return -EINVAL;
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return -errno;

  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  memcpy(request.ifr_name, name, name_length);
  int result = ioctl(fd, TUNSETIFF, &request) < 0 ? -errno : 0;
  if (result == 0) result = bring_up(request.ifr_name, mtu);
  if (result < 0) {
    close(fd);
    return result;
  }
  *tun = (struct tun){.fd = fd, .mtu = mtu};
  memcpy(tun->name, request.ifr_name, IFNAMSIZ);
  tun->name[IFNAMSIZ - 1] = '\0';
  return 0;
}

void tun_close(struct tun *tun) {
  close(tun->fd);
  tun->fd = -1;
}

long tun_read(struct tun *tun, struct batch *batch) {
  size_t count = 0;
  size_t at = 0;
  while (count < batch->capacity && batch->arena_bytes - at >= tun->mtu) {
    ssize_t length = read(tun->fd, batch->arena + at, batch->arena_bytes - at);
    if (length < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || count > 0) break; /* a real error comes again on the next, empty read */
      return -errno;
    }
    batch->offsets[count] = (uint32_t)at;
    batch->lengths[count] = (uint32_t)length;
    count++;
    at += (size_t)length;
  }
  tun->read_packets += count;
  return (long)count;
}

long tun_write(struct tun *tun, const struct batch *batch, size_t count) {
  if (!batch_holds(batch, count)) return -ERANGE;
  size_t written = 0;
  for (size_t i = 0; i < count; i++) {
    ssize_t result;
    do result = write(tun->fd, batch->arena + batch->offsets[i], batch->lengths[i]);
    while (result < 0 && errno == EINTR);
    if (result >= 0) written++;
  }
  tun->written_packets += written;
  tun->write_dropped += count - written;
  return (long)written;
}
