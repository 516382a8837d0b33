/* What the command line of udp-stream says; main.c has the list. */
#ifndef STREAM_OPTIONS_H
#define STREAM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
  const char *client; /* network namespaces, by the name that `ip netns` knows them by */
  const char *server;
  const char *address; /* of the server, IPv4 */
  uint16_t port;
  bool down;           /* the server sends, to where the client called from (through NAT, then) */
  double rate;         /* packets a second */
  uint32_t bytes;      /* a packet, UDP payload */
  double seconds;      /* of sending */
  double skip_seconds; /* at the beginning, left out of every figure */
  double drain_seconds; /* of listening after the last packet was sent */
  double within_ms;    /* the limit that `withinShare` counts against */
  int tos;
  bool watch_stalls;   /* see stalls.h */
};

/* Reads `--name value` pairs; says what is wrong on stderr and returns false. */
bool options_read(struct options *options, int argc, char **argv);

#endif
