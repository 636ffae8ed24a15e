#ifndef DL_CHECKSUM_H
#define DL_CHECKSUM_H

#include "dl_types.h"

/// A checksum of bytes in memory, to tell whether any of them has changed.
///
/// The bytes are 64-bit words, the last filled up with zeros, and go by turns to 16 lanes that start
/// at 0: row r holds words 16 r to 16 r + 15. Each row makes s = rotl(s, 23) + word of a lane, and
/// each 64th whole row s = s * K besides, with K = 0x9e3779b97f4a7c15. Then h, from 0 on, takes in
/// the lanes by h = rotl((h ^ s) * K, 31), and so the number of bytes. Every step can be undone if
/// the word is known: so a change within one word always changes the checksum, and others, such as
/// two words exchanged, all but always.
uint64_t dl_checksum(const void *bytes, size_t count);

/// The most vectors that an update takes the checksums of.
#define DL_CHECKSUM_VECTORS 4

/// The checksums of the vectors that an update reads and writes, as `dl_checksum` takes them, taken
/// while it goes over them: vectors are as long as the update's, before and after are its results.
typedef struct {
  ptrdiff_t count;
  const void **vectors;
  uint64_t *before, *after;
} dl_checksums;

#endif
