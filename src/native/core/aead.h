/*
 * ChaCha20-Poly1305 (RFC 8439) for the cipher port (src/crypto/cipher.ts), on the OpenSSL that the Node binary holds: put together from
 * its parts where the program exports these and they give what EVP gives (chacha20_poly1305.h), else through EVP. All are found
 * among the symbols of the running program.
 *
 * Keys lie in a table of slots that grows; a slot is wiped when its key is removed, and so is a table that was outgrown.
 * One context for each direction is kept, because making one costs more than sealing a packet.
 */
#ifndef SKYWIRE_AEAD_H
#define SKYWIRE_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AEAD_KEY_BYTES 32
#define AEAD_TAG_BYTES 16
#define AEAD_JOB_WORDS 8
/* As in the other back ends (KEY_SLOT_LIMIT in src/crypto/job-runner.ts). */
#define AEAD_MAX_KEYS 65536

#define AEAD_JOB_OK 0
#define AEAD_JOB_BAD_TAG 1

struct aead;

/* NULL when OpenSSL has no such cipher or there is no memory. */
struct aead *aead_new(void);
void aead_free(struct aead *aead);
/* Through EVP from now on, for comparison. */
void aead_use_evp(struct aead *aead);

/* The new key's slot, -ENOSPC when AEAD_MAX_KEYS are in use, or -ENOMEM. */
long aead_add_key(struct aead *aead, const uint8_t key[AEAD_KEY_BYTES]);
/* -EINVAL when the slot is not in use. */
int aead_remove_key(struct aead *aead, uint32_t slot);
/* The key itself, for a device that is to do the same; NULL when the slot is not in use. Valid until the next call. */
const uint8_t *aead_key(const struct aead *aead, uint32_t slot);

/*
 * Runs `count` jobs of AEAD_JOB_WORDS words over the arena, in place, and writes each one's result word.
 * -ERANGE: a job lies outside the arena or names no key; the jobs before it are done. -EIO: OpenSSL failed.
 */
int aead_seal(struct aead *aead, uint8_t *arena, size_t arena_bytes, uint32_t *jobs, size_t count);
int aead_open(struct aead *aead, uint8_t *arena, size_t arena_bytes, uint32_t *jobs, size_t count);

/* Copies the key of each of the jobs. False, with nothing that matters in `keys`, when a job lies outside an arena of so many bytes or names no key. */
bool aead_take_keys(const struct aead *aead, size_t arena_bytes, const uint32_t *jobs, size_t count, uint8_t (*keys)[AEAD_KEY_BYTES]);
/* As aead_seal, with these keys, one a job, in place of its own; NULL: its own. */
int aead_seal_by(struct aead *aead, uint8_t (*keys)[AEAD_KEY_BYTES], uint8_t *arena, size_t arena_bytes, uint32_t *jobs, size_t count);

#endif
