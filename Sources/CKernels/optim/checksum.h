// The steps of dl_checksum, for kernels that take it along. Always inlined, so that each CPU clone
// of the caller vectorizes its own copy.
#ifndef DL_CHECKSUM_STEPS_H
#define DL_CHECKSUM_STEPS_H

#include <string.h>

#include "dl_optim.h"

enum { DL_LANES = 16, DL_ROW = DL_LANES * sizeof(uint64_t), DL_RUN = 64 * DL_ROW };

static const uint64_t dl_checksum_factor = 0x9e3779b97f4a7c15u;

// A row of words as one value: compilers keep its lanes in vectors, and tear an array of them apart.
typedef uint64_t dl_words __attribute__((vector_size(DL_ROW)));

static inline __attribute__((always_inline)) uint64_t dl_rotated(uint64_t x, int by) {
  return x << by | x >> (64 - by);
}

static inline __attribute__((always_inline)) void dl_checksum_row(
    dl_words *lanes, const void *row) {
  dl_words words;
  memcpy(&words, row, DL_ROW);
  *lanes = (*lanes << 23 | *lanes >> 41) + words;
}

// Takes in the bytes `from` ..< `to`: `from` is a multiple of DL_ROW, and so is `to` but at the end.
static inline __attribute__((always_inline)) void dl_checksum_take(
    uint64_t *sums, const char *bytes, size_t from, size_t to) {
  dl_words lanes;
  memcpy(&lanes, sums, DL_ROW);
  while (from + DL_ROW <= to) {
    const size_t end = (from / DL_RUN + 1) * DL_RUN;
    const size_t stop = end < to ? end : to / DL_ROW * DL_ROW;
    for (; from < stop; from += DL_ROW) dl_checksum_row(&lanes, bytes + from);
    if (from == end) lanes *= dl_checksum_factor;
  }
  if (from < to) {
    char row[DL_ROW] = {0};
    memcpy(row, bytes + from, to - from);
    dl_checksum_row(&lanes, row);
  }
  memcpy(sums, &lanes, DL_ROW);
}

static inline __attribute__((always_inline)) uint64_t dl_checksum_end(
    const uint64_t *lanes, size_t count) {
  uint64_t h = 0;
  for (int l = 0; l < DL_LANES; l++) h = dl_rotated((h ^ lanes[l]) * dl_checksum_factor, 31);
  return dl_rotated((h ^ count) * dl_checksum_factor, 31);
}

// An update goes by tiles that stay in the first cache, so that checksums wait for memory as little
// as it does; what comes 2 KiB further on is asked for meanwhile.
enum { DL_TILE = 4 * DL_ROW, DL_AHEAD = 2048 };

typedef struct {
  uint64_t before[DL_CHECKSUM_VECTORS][DL_LANES], after[DL_CHECKSUM_VECTORS][DL_LANES];
} dl_checksum_lanes;

static inline __attribute__((always_inline)) void dl_tile_begins(
    const dl_checksums *sums, dl_checksum_lanes *lanes, const char *gradients, size_t from,
    size_t to) {
  for (size_t at = from; at < to; at += 64) __builtin_prefetch(gradients + at + DL_AHEAD);
  for (ptrdiff_t v = 0; v < sums->count; v++) {
    const char *bytes = sums->vectors[v];
    for (size_t at = from; at < to; at += 64) __builtin_prefetch(bytes + at + DL_AHEAD, 1);
    dl_checksum_take(lanes->before[v], bytes, from, to);
  }
}

static inline __attribute__((always_inline)) void dl_tile_ends(
    const dl_checksums *sums, dl_checksum_lanes *lanes, size_t from, size_t to) {
  for (ptrdiff_t v = 0; v < sums->count; v++)
    dl_checksum_take(lanes->after[v], sums->vectors[v], from, to);
}

static inline __attribute__((always_inline)) void dl_tiles_end(
    const dl_checksums *sums, const dl_checksum_lanes *lanes, size_t count) {
  for (ptrdiff_t v = 0; v < sums->count; v++) {
    sums->before[v] = dl_checksum_end(lanes->before[v], count);
    sums->after[v] = dl_checksum_end(lanes->after[v], count);
  }
}

#endif
