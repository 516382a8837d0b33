/*
 * A tunnel without a protocol: what this machine's kernel, cipher and memory leave as the bound of ours. One superpacket of the
 * TUN is sealed once (unless `link` is given), cut into datagrams, each sealed, sent as runs with UDP_SEGMENT, received as
 * runs with UDP_GRO, put together and written to the other TUN as one. One thread a direction; a lost datagram is a lost
 * superpacket; keys are fixed. Of no use but as a measure.
 *
 *   superpacket TUN LOCAL REMOTE both|link        both ends on port 5000
 *
 * Datagram: counter u64 | sealed: message u32, offset u32, length u32, piece | tag. Message: counter u64 | sealed vnet header and packet | tag.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define PORT 5000
#define COUNTER_BYTES 8
#define TAG_BYTES 16
#define PIECE_HEADER_BYTES 12
#define DATAGRAM_BYTES 1440
#define PIECE_BYTES (DATAGRAM_BYTES - COUNTER_BYTES - PIECE_HEADER_BYTES - TAG_BYTES)
#define RUN_DATAGRAMS 44
#define MESSAGE_BYTES 70000
#define MESSAGES 8
#define SOCKET_BUFFER_BYTES (8 << 20)

static int tun, wire;
static bool both;

static _Noreturn void die(const char *what) {
  fprintf(stderr, "superpacket: %s: %s\n", what, strerror(errno));
  exit(1);
}

static EVP_CIPHER_CTX *new_cipher(int sealing) {
  static const uint8_t key[32] = {1, 2, 3};
  EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
  if (cipher == NULL || EVP_CipherInit_ex(cipher, EVP_chacha20_poly1305(), NULL, key, NULL, sealing) != 1) die("cipher");
  return cipher;
}

static void begin(EVP_CIPHER_CTX *cipher, uint64_t counter) {
  uint8_t nonce[12] = {0};
  memcpy(nonce + 4, &counter, sizeof counter);
  EVP_CipherInit_ex(cipher, NULL, NULL, NULL, nonce, -1);
}

/* In place; the tag goes behind the text. */
static void seal(EVP_CIPHER_CTX *cipher, uint64_t counter, uint8_t *text, int length) {
  int written;
  begin(cipher, counter);
  EVP_CipherUpdate(cipher, text, &written, text, length);
  EVP_CipherFinal_ex(cipher, text, &written);
  EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, text + length);
}

static bool open_sealed(EVP_CIPHER_CTX *cipher, uint64_t counter, uint8_t *text, int length) {
  int written;
  begin(cipher, counter);
  EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, text + length);
  EVP_CipherUpdate(cipher, text, &written, text, length);
  return EVP_CipherFinal_ex(cipher, text, &written) == 1;
}

static void send_run(const uint8_t *datagrams, size_t bytes) {
  struct iovec vector = {.iov_base = (void *)(uintptr_t)datagrams, .iov_len = bytes};
  _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(uint16_t))] = {0};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  const uint16_t segment = DATAGRAM_BYTES;
  if (bytes > segment) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_UDP;
    header->cmsg_type = UDP_SEGMENT;
    header->cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(header), &segment, sizeof segment);
  }
  if (sendmsg(wire, &message, 0) >= 0 || errno != EIO) return;
  /* A device without checksum offload refuses runs. */
  for (size_t at = 0; at < bytes; at += segment) (void)!send(wire, datagrams + at, bytes - at < segment ? bytes - at : segment, 0);
}

static _Noreturn void send_all(void) {
  static uint8_t message[MESSAGE_BYTES], run[RUN_DATAGRAMS * DATAGRAM_BYTES];
  EVP_CIPHER_CTX *link = new_cipher(1), *end = new_cipher(1);
  uint64_t counter = 0;
  for (uint32_t number = 0;; number++) {
    ssize_t got = read(tun, message + COUNTER_BYTES, sizeof message - COUNTER_BYTES - TAG_BYTES);
    if (got <= 0) {
      if (errno == EINTR) continue;
      die("reading the TUN");
    }
    uint64_t end_counter = number;
    memcpy(message, &end_counter, sizeof end_counter);
    uint32_t length = (uint32_t)got + COUNTER_BYTES;
    if (both) {
      seal(end, end_counter, message + COUNTER_BYTES, (int)got);
      length += TAG_BYTES;
    }
    size_t used = 0;
    for (uint32_t at = 0; at < length;) {
      uint32_t piece = length - at < PIECE_BYTES ? length - at : PIECE_BYTES;
      uint8_t *datagram = run + used;
      const uint32_t header[3] = {number, at, length};
      memcpy(datagram, &counter, sizeof counter);
      memcpy(datagram + COUNTER_BYTES, header, sizeof header);
      memcpy(datagram + COUNTER_BYTES + sizeof header, message + at, piece);
      seal(link, counter++, datagram + COUNTER_BYTES, (int)(piece + sizeof header));
      used += COUNTER_BYTES + sizeof header + piece + TAG_BYTES;
      at += piece;
      if (used > sizeof run - DATAGRAM_BYTES || at == length) {
        send_run(run, used);
        used = 0;
      }
    }
  }
}

struct message {
  uint32_t number;
  uint32_t got;
  uint8_t bytes[MESSAGE_BYTES];
};

/* One opened datagram: its piece goes to its message, and that to the TUN when it is whole. */
static void take_piece(EVP_CIPHER_CTX *end, const uint8_t *frame, uint32_t bytes) {
  static struct message messages[MESSAGES];
  uint32_t header[3];
  memcpy(header, frame, sizeof header);
  uint32_t piece = bytes - sizeof header;
  struct message *message = &messages[header[0] % MESSAGES];
  if (message->number != header[0]) {
    message->number = header[0];
    message->got = 0;
  }
  if ((uint64_t)header[1] + piece > sizeof message->bytes) return;
  memcpy(message->bytes + header[1], frame + sizeof header, piece);
  message->got += piece;
  if (message->got != header[2] || header[2] < COUNTER_BYTES + TAG_BYTES) return;
  message->got = 0;
  uint64_t counter;
  memcpy(&counter, message->bytes, sizeof counter);
  uint32_t length = header[2] - COUNTER_BYTES - (both ? TAG_BYTES : 0);
  if (both && !open_sealed(end, counter, message->bytes + COUNTER_BYTES, (int)length)) return;
  (void)!write(tun, message->bytes + COUNTER_BYTES, length);
}

static _Noreturn void *receive_all(void *unused) {
  static uint8_t run[65536];
  EVP_CIPHER_CTX *link = new_cipher(0), *end = new_cipher(0);
  (void)unused;
  for (;;) {
    struct iovec vector = {.iov_base = run, .iov_len = sizeof run};
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))];
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(wire, &message, 0);
    if (got < 0) continue;
    size_t segment = (size_t)got;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
      int bytes;
      if (header->cmsg_level != IPPROTO_UDP || header->cmsg_type != UDP_GRO) continue;
      memcpy(&bytes, CMSG_DATA(header), sizeof bytes);
      segment = (size_t)bytes;
    }
    for (size_t at = 0; at < (size_t)got; at += segment) {
      size_t length = (size_t)got - at < segment ? (size_t)got - at : segment;
      if (length < COUNTER_BYTES + PIECE_HEADER_BYTES + TAG_BYTES) continue;
      uint64_t counter;
      memcpy(&counter, run + at, sizeof counter);
      int text = (int)(length - COUNTER_BYTES - TAG_BYTES);
      if (open_sealed(link, counter, run + at + COUNTER_BYTES, text)) take_piece(end, run + at + COUNTER_BYTES, (uint32_t)text);
    }
  }
}

static int open_tun(const char *name) {
  int fd = open("/dev/net/tun", O_RDWR);
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) die("/dev/net/tun");
  if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0) die("TUNSETOFFLOAD");
  return fd;
}

static int open_wire(const char *local, const char *remote) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1, bytes = SOCKET_BUFFER_BYTES;
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(PORT)}, there = here;
  if (inet_pton(AF_INET, local, &here.sin_addr) != 1 || inet_pton(AF_INET, remote, &there.sin_addr) != 1) die("address");
  if (bind(fd, (struct sockaddr *)&here, sizeof here) < 0) die("bind");
  if (connect(fd, (struct sockaddr *)&there, sizeof there) < 0) die("connect");
  (void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
  return fd;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: superpacket TUN LOCAL REMOTE both|link\n");
    return 2;
  }
  both = strcmp(argv[4], "both") == 0;
  tun = open_tun(argv[1]);
  wire = open_wire(argv[2], argv[3]);
  pthread_t receiver;
  if (pthread_create(&receiver, NULL, receive_all, NULL) != 0) die("thread");
  send_all();
}
