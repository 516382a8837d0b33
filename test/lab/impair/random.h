/* xoshiro256** (Blackman, Vigna, 2018), seeded through splitmix64: the same seed makes the same losses. */
#ifndef IMPAIR_RANDOM_H
#define IMPAIR_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
  uint64_t state[4];
};

static inline void random_seed(struct random *random, uint64_t seed) {
  for (int i = 0; i < 4; i++) {
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    random->state[i] = z ^ (z >> 31);
  }
}

static inline uint64_t random_rotate(uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }

/* Uniform in [0, 1). */
static inline double random_unit(struct random *random) {
  uint64_t *s = random->state;
  uint64_t result = random_rotate(s[1] * 5, 7) * 9;
  uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = random_rotate(s[3], 45);
  return (double)(result >> 11) * 0x1.0p-53;
}

static inline bool random_chance(struct random *random, double share) {
  return share > 0 && random_unit(random) < share;
}

#endif
