/*
 * The known-answer test of an offload device: the message of RFC 8439 section 2.8.2, sealed, opened, and opened with each
 * byte of its tag spoilt in turn, on every queue. Its nonce begins with a 7, as no nonce of the cipher port does.
 */
#ifndef SKYWIRE_OFFLOAD_KNOWN_H
#define SKYWIRE_OFFLOAD_KNOWN_H

#include "offload.h"
#include "offload_rings.h"

extern const uint8_t offload_known_key[AEAD_KEY_BYTES];

/* `count` of each kind on every queue, nothing else under way. `handle` names the slot that holds the known key. */
enum offload_reason offload_known_answers(struct offload_rings *rings, uint32_t handle, uint32_t patience_us, uint32_t count);

#endif
