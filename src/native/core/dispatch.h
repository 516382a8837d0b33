/*
 * Seals and sends batches of datagrams on a thread of its own, in the order in which they come, while the caller fills the next. Few
 * datagrams are sealed and sent by the caller itself where nothing is under way: to wake a thread would take longer.
 *
 * A ring of batches, which stay the caller's memory; one that was handed over is not touched until its turn comes again. Keys are copied when a batch is handed
 * over, so they may be removed at any time. While the thread is at work it alone uses the sockets for sending: dispatch_settle before anybody else does.
 */
#ifndef SKYWIRE_DISPATCH_H
#define SKYWIRE_DISPATCH_H

#include "aead.h"
#include "udp.h"

#define DISPATCH_BATCHES 4
/* Of a batch at most. */
#define DISPATCH_JOBS_MAX 1024

struct dispatch;

struct dispatch_batch {
  struct batch batch;
  uint32_t *jobs;
  size_t job_capacity;
};

enum dispatch_result {
  DISPATCH_SENT,    /* the same batch is to be filled again */
  DISPATCH_POSTED,  /* the next of the ring is to be filled; it is free */
  DISPATCH_FOREIGN, /* nothing was done: an endpoint is of none of the sockets. The thread rests */
};

/* NULL without memory, or when no thread can be had. `ring`: as datagrams go round. */
struct dispatch *dispatch_new(struct udp *udp, const struct dispatch_batch ring[DISPATCH_BATCHES]);
/* Ends the thread, once it has sent what was handed over. */
void dispatch_free(struct dispatch *dispatch);

/*
 * Seals the jobs of the batch whose turn it is by the keys of `aead`, then sends its first `count` datagrams. A result, or -ERANGE when a job or a datagram lies outside
 * the arena or a job names no key: then nothing was sent. -EIO: OpenSSL failed.
 */
int dispatch_send(struct dispatch *dispatch, struct aead *aead, size_t count, size_t job_count);
/* Waits until all that was handed over has been sent. */
void dispatch_settle(struct dispatch *dispatch);

#endif
