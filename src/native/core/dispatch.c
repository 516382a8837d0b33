#include "dispatch.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Fewer the caller seals and sends itself: they take less than 10 us. */
#define JOBS_FOR_THREAD 12

struct entry {
  struct dispatch_batch of;
  size_t count;
  size_t job_count;
  uint8_t (*keys)[AEAD_KEY_BYTES]; /* one a job */
};

struct dispatch {
  struct udp *udp;
  struct aead *aead; /* the thread's own contexts; it has no keys */
  struct entry ring[DISPATCH_BATCHES];
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  uint64_t posted; /* batches handed over; the next is the one whose turn it is */
  uint64_t done;
  bool ending;
};

/* What was checked when it was handed over fails only with OpenSSL itself; then nothing of it is sent. */
static void seal_and_send(struct dispatch *dispatch, struct entry *entry) {
  const struct batch *batch = &entry->of.batch;
  int error = aead_seal_by(dispatch->aead, entry->keys, batch->arena, batch->arena_bytes, entry->of.jobs, entry->job_count);
  if (error == 0) (void)udp_send(dispatch->udp, batch, entry->count);
  else dispatch->udp->send_failed += entry->count;
  OPENSSL_cleanse(entry->keys, entry->job_count * AEAD_KEY_BYTES);
}

static void *run(void *data) {
  struct dispatch *dispatch = data;
  pthread_mutex_lock(&dispatch->mutex);
  for (;;) {
    while (dispatch->done == dispatch->posted && !dispatch->ending) pthread_cond_wait(&dispatch->changed, &dispatch->mutex);
    if (dispatch->done == dispatch->posted) break;
    struct entry *entry = &dispatch->ring[dispatch->done % DISPATCH_BATCHES];
    pthread_mutex_unlock(&dispatch->mutex);
    seal_and_send(dispatch, entry);
    pthread_mutex_lock(&dispatch->mutex);
    dispatch->done++;
    pthread_cond_broadcast(&dispatch->changed);
  }
  pthread_mutex_unlock(&dispatch->mutex);
  return NULL;
}

/* Signals are for the threads of the program. */
static bool start(struct dispatch *dispatch) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&dispatch->thread, NULL, run, dispatch);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error == 0;
}

static void release(struct dispatch *dispatch) {
  for (size_t i = 0; i < DISPATCH_BATCHES; i++) free(dispatch->ring[i].keys);
  if (dispatch->aead != NULL) aead_free(dispatch->aead);
  pthread_cond_destroy(&dispatch->changed);
  pthread_mutex_destroy(&dispatch->mutex);
  free(dispatch);
}

struct dispatch *dispatch_new(struct udp *udp, const struct dispatch_batch ring[DISPATCH_BATCHES]) {
  struct dispatch *dispatch = calloc(1, sizeof *dispatch);
  if (dispatch == NULL) return NULL;
  pthread_mutex_init(&dispatch->mutex, NULL);
  pthread_cond_init(&dispatch->changed, NULL);
  dispatch->udp = udp;
  dispatch->aead = aead_new();
  bool whole = dispatch->aead != NULL;
  for (size_t i = 0; i < DISPATCH_BATCHES; i++) {
    dispatch->ring[i].of = ring[i];
    dispatch->ring[i].keys = calloc(DISPATCH_JOBS_MAX, AEAD_KEY_BYTES);
    whole = whole && dispatch->ring[i].keys != NULL;
  }
  if (whole && start(dispatch)) return dispatch;
  release(dispatch);
  return NULL;
}

void dispatch_free(struct dispatch *dispatch) {
  pthread_mutex_lock(&dispatch->mutex);
  dispatch->ending = true;
  pthread_cond_broadcast(&dispatch->changed);
  pthread_mutex_unlock(&dispatch->mutex);
  pthread_join(dispatch->thread, NULL);
  release(dispatch);
}

/* Waits until at most `most` batches are under way. */
static void wait_for(struct dispatch *dispatch, uint64_t most) {
  pthread_mutex_lock(&dispatch->mutex);
  while (dispatch->posted - dispatch->done > most) pthread_cond_wait(&dispatch->changed, &dispatch->mutex);
  pthread_mutex_unlock(&dispatch->mutex);
}

void dispatch_settle(struct dispatch *dispatch) { wait_for(dispatch, 0); }

static bool rests(struct dispatch *dispatch) {
  pthread_mutex_lock(&dispatch->mutex);
  bool rests = dispatch->posted == dispatch->done;
  pthread_mutex_unlock(&dispatch->mutex);
  return rests;
}

static void post(struct dispatch *dispatch) {
  pthread_mutex_lock(&dispatch->mutex);
  dispatch->posted++;
  pthread_cond_broadcast(&dispatch->changed);
  pthread_mutex_unlock(&dispatch->mutex);
  wait_for(dispatch, DISPATCH_BATCHES - 1);
}

int dispatch_send(struct dispatch *dispatch, struct aead *aead, size_t count, size_t job_count) {
  struct entry *entry = &dispatch->ring[dispatch->posted % DISPATCH_BATCHES];
  const struct batch *batch = &entry->of.batch;
  if (!batch_holds(batch, count) || job_count > entry->of.job_capacity || job_count > DISPATCH_JOBS_MAX) return -ERANGE;
  if (!udp_owns(dispatch->udp, batch, count)) {
    dispatch_settle(dispatch);
    return DISPATCH_FOREIGN;
  }
  if (job_count < JOBS_FOR_THREAD && rests(dispatch)) {
    int error = aead_seal(aead, batch->arena, batch->arena_bytes, entry->of.jobs, job_count);
    if (error == 0) (void)udp_send(dispatch->udp, batch, count);
    return error == 0 ? DISPATCH_SENT : error;
  }
  if (!aead_take_keys(aead, batch->arena_bytes, entry->of.jobs, job_count, entry->keys)) return -ERANGE;
  entry->count = count;
  entry->job_count = job_count;
  post(dispatch);
  return DISPATCH_POSTED;
}
