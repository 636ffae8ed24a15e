// AMX's tiles: their configuration, and a twin in C.
#ifndef DL_TILES_H
#define DL_TILES_H

#include <math.h>
#include <string.h>

#include "gemm/bfloat16.h"

#define DL_TILE_ROWS 16

// Bytes of a right operand's panels that stay in the second-level cache, of which CPUs with tiles have
// 2 MiB.
#define DL_TILE_PANEL_BYTES (1536 * 1024)

// Memory that will be read soon: `rows` of `bytes`, `step` bytes apart; `at` is a place in the first.
typedef struct {
  const char *from;
  size_t step, rows, bytes, at;
} dl_ahead;

#if defined(__x86_64__)
#include <immintrin.h>

// What LDTILECFG reads (Intel SDM, volume 1, chapter 18): all eight tiles are 16 rows of 64 bytes.
typedef struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} dl_tile_configuration;

static const dl_tile_configuration dl_tiles_16_by_64 __attribute__((aligned(64))) = {
    .palette = 1,
    .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
    .rows = {16, 16, 16, 16, 16, 16, 16, 16},
};
#endif

typedef struct {
  uint8_t bytes[DL_TILE_ROWS][64];
} dl_tile;

// TILELOADD or TILESTORED.
static inline void dl_tile_copy(void *to, size_t to_step, const void *from, size_t step) {
  for (size_t i = 0; i < DL_TILE_ROWS; i++) {
    memcpy((char *)to + i * to_step, (const char *)from + i * step, 64);
  }
}

static inline float dl_tile_value(const dl_tile *tile, size_t row, size_t place) {
  uint16_t half;
  memcpy(&half, tile->bytes[row] + 2 * place, sizeof half);
  const uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

// TDPBF16PS: c [16, 16] += a [16, 32] * b, which holds [16][16 columns][2]. The SDM's operation, whose
// denormals as zero never occur here.
static inline void dl_tile_multiply(dl_tile *c, const dl_tile *a, const dl_tile *b) {
  for (size_t m = 0; m < DL_TILE_ROWS; m++) {
    for (size_t n = 0; n < 16; n++) {
      float sums[2] = {0, 0}, value;
      for (size_t k = 0; k < DL_TILE_TERMS; k++) {
        const float left = dl_tile_value(a, m, k);
        sums[k % 2] = fmaf(left, dl_tile_value(b, k / 2, 2 * n + k % 2), sums[k % 2]);
      }
      memcpy(&value, c->bytes[m] + 4 * n, sizeof value);
      value += sums[0] + sums[1];
      memcpy(c->bytes[m] + 4 * n, &value, sizeof value);
    }
  }
}

#endif
