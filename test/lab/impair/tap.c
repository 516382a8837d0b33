#define _GNU_SOURCE
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int make_device(const char *device) {
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return -errno;
  /* Without a virtio-net header the kernel cuts trains of segments and completes checksums before it hands frames over. */
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  strncpy(request.ifr_name, device, IFNAMSIZ - 1);
  if (ioctl(fd, TUNSETIFF, &request) == 0) return fd;
  int result = -errno;
  close(fd);
  return result;
}

int tap_open(const char *namespace_name, const char *device) {
  if (strlen(device) >= IFNAMSIZ) return -EINVAL;
  char path[256];
  snprintf(path, sizeof path, "/run/netns/%s", namespace_name);
  int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (home < 0) return -errno;
  int away = open(path, O_RDONLY | O_CLOEXEC);
  int result = away < 0 || setns(away, CLONE_NEWNET) < 0 ? -errno : make_device(device);
  if (away >= 0) close(away);
  if (setns(home, CLONE_NEWNET) < 0 && result >= 0) {
    int error = -errno;
    close(result);
    result = error;
  }
  close(home);
  return result;
}
