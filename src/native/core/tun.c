#include "tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
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

  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
  memcpy(request.ifr_name, name, name_length);
  int result = ioctl(fd, TUNSETIFF, &request) < 0 ? -errno : 0;
  /* A kernel that refuses cuts superpackets itself. */
  bool superpackets = result == 0 && ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) == 0;
  if (result == 0) result = bring_up(request.ifr_name, mtu);
  if (result < 0) {
    close(fd);
    return result;
  }
  memset(tun, 0, sizeof *tun);
  tun->fd = fd;
  tun->mtu = mtu;
  tun->superpackets = superpackets;
  memcpy(tun->name, request.ifr_name, IFNAMSIZ);
  tun->name[IFNAMSIZ - 1] = '\0';
  return 0;
}

void tun_close(struct tun *tun) {
  close(tun->fd);
  tun->fd = -1;
  tun->split.pending = false;
}

/* One packet or superpacket into `split`: 1, 0 when there is none, or a negative errno. */
static int take(struct tun *tun) {
  struct tcp_split *split = &tun->split;
  for (;;) {
    struct virtio_net_hdr header;
    struct iovec parts[2] = {{.iov_base = &header, .iov_len = sizeof header},
                             {.iov_base = split->bytes, .iov_len = sizeof split->bytes}};
    ssize_t length = readv(tun->fd, parts, 2);
    if (length < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN ? 0 : -errno;
    }
    bool whole = (size_t)length > sizeof header;
    if (whole && tcp_split_begin(split, &header, (size_t)length - sizeof header, tun->mtu)) {
      if (split->tcp != 0) tun->read_superpackets++;
      return 1;
    }
    tun->read_dropped++;
  }
}

long tun_read(struct tun *tun, struct batch *batch) {
  size_t count = 0;
  size_t at = 0;
  while (count < batch->capacity && batch->arena_bytes - at >= tun->mtu) {
    if (!tun->split.pending) {
      int taken = take(tun);
      if (taken < 0 && count == 0) return taken; /* a real error comes again on the next, empty read */
      if (taken <= 0) break;
    }
    bool whole = batch->segments != NULL && tcp_split_is_whole(&tun->split);
    /* One that finds no room behind others has it in the next batch; only an arena that is too small at all has it cut. */
    if (whole && tun->split.length > batch->arena_bytes - at) {
      if (count > 0) break;
      whole = false;
    }
    uint16_t segment = 0;
    size_t length = whole ? tcp_split_whole(&tun->split, batch->arena + at, &segment) : tcp_split_next(&tun->split, batch->arena + at);
    if (batch->segments != NULL) batch->segments[count] = segment;
    if (whole) tun->read_packets += (tun->split.length - tun->split.headers - 1) / segment;
    batch->offsets[count] = (uint32_t)at;
    batch->lengths[count] = (uint32_t)length;
    count++;
    at += length;
  }
  tun->read_packets += count;
  return (long)count;
}

bool tun_has_more(const struct tun *tun) {
  return tun->split.pending;
}

static bool put(struct tun *tun, const struct iovec *pieces, size_t count) {
  ssize_t result;
  do result = writev(tun->fd, pieces, (int)count);
  while (result < 0 && errno == EINTR);
  return result >= 0;
}

/* Writes what joins the first of `views`, and marks it in `done`. Returns how many packets the kernel took. */
static size_t write_flow(struct tun *tun, const struct tcp_view *views, size_t count, bool *done) {
  struct tcp_merge *merge = &tun->merge;
  tcp_merge_begin(merge, &views[0]);
  for (size_t i = 1; i < count && !merge->closed; i++) {
    if (done[i] || !tcp_view_same_flow(&views[0], &views[i])) continue;
    if (!tcp_merge_take(merge, &views[i])) break;
    done[i] = true;
  }
  size_t pieces = tcp_merge_finish(merge);
  if (!put(tun, merge->pieces, pieces)) return 0;
  if (merge->packets > 1 || merge->first.whole) tun->written_superpackets++;
  return merge->packets;
}

long tun_write(struct tun *tun, const struct batch *batch, size_t count) {
  if (!batch_holds(batch, count)) return -ERANGE;
  size_t written = 0;
  for (size_t start = 0; start < count; start += TCP_MERGE_PACKETS) {
    size_t here = count - start < TCP_MERGE_PACKETS ? count - start : TCP_MERGE_PACKETS;
    struct tcp_view views[TCP_MERGE_PACKETS];
    bool done[TCP_MERGE_PACKETS] = {false};
    for (size_t i = 0; i < here; i++) {
      size_t segment = batch->segments == NULL ? 0 : batch->segments[start + i];
      views[i] = tcp_view_of(batch->arena + batch->offsets[start + i], batch->lengths[start + i], segment);
      done[i] = views[i].whole && !tcp_view_is_sound(&views[i]);
    }
    for (size_t i = 0; i < here; i++) {
      if (!done[i]) written += write_flow(tun, views + i, here - i, done + i);
    }
  }
  tun->written_packets += written;
  tun->write_dropped += count - written;
  return (long)written;
}
