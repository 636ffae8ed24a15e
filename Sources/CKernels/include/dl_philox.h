#ifndef DL_PHILOX_H
#define DL_PHILOX_H

#include <stdint.h>

/// Philox4x32-10, a random function of a 128-bit counter and a 64-bit key.
/// Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011).

typedef struct {
  uint32_t word[4];
} dl_philox_block;

static inline dl_philox_block dl_philox(dl_philox_block counter, uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 10; round++) {
    const dl_philox_block c = counter;
    const uint64_t p0 = (uint64_t)0xD2511F53u * c.word[0];
    const uint64_t p1 = (uint64_t)0xCD9E8D57u * c.word[2];
    counter = (dl_philox_block){
        {(uint32_t)(p1 >> 32) ^ c.word[1] ^ k0, (uint32_t)p1,
         (uint32_t)(p0 >> 32) ^ c.word[3] ^ k1, (uint32_t)p0}};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return counter;
}

/// The block of a key at a 64-bit index, within one of 2^64 lanes.
static inline dl_philox_block dl_philox_at(uint64_t key, uint64_t index, uint64_t lane) {
  const dl_philox_block counter = {
      {(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)lane, (uint32_t)(lane >> 32)}};
  return dl_philox(counter, (uint32_t)key, (uint32_t)(key >> 32));
}

#endif
