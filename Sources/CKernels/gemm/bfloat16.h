// Products whose operands are rounded to bfloat16, with sums in float32. Their values lie as float32.
//
// The arithmetic is that of AMX's TDPBF16PS (Intel SDM, volume 2), so that tiles can give its bits: of
// 32 terms the products at even places are one chain of fused multiply-adds from zero on, those at odd
// places another; the sum of the two is added to the block's sum. VDPBF16PS of AVX512_BF16 puts the
// high half of a pair on a chain and then the low one: with places 0 and 2 of four, or 1 and 3, as a
// pair it goes on with one of these chains.
//
// TDPBF16PS takes denormals as zero. So that this makes no difference, values that round below 2^-56
// are zero: all products are then multiples of 2^-126, and so are their sums, rounded or not.
//
//   right operand   bfloat16 in panels of NR columns, [n / NR][terms / 2][NR][2], or for VDPBF16PS
//                   [n / NR][terms / 4][even, odd][NR][later, earlier]
//   left operand    rounded rows of one block of terms; float32 where products are widened, bfloat16
//                   for tiles of 16 rows by 32 terms, and [terms / 4][even, odd][later, earlier] for
//                   VDPBF16PS
//
// A block's terms are followed by zeros up to whole pairs, to fours for VDPBF16PS, and up to whole
// tiles for AMX.
#ifndef DL_BFLOAT16_INTERNAL_H
#define DL_BFLOAT16_INTERNAL_H

#include <string.h>

#include "gemm/gemm.h"

// Terms of one TDPBF16PS.
#define DL_TILE_TERMS 32

// The bits of 2^-56.
#define DL_BFLOAT16_LEAST 0x23800000u

// To nearest, ties to even; the low half of the result is zero.
static inline uint32_t dl_bfloat16_round(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return (bits | 0x400000u) & 0xffff0000u;
  bits = (bits + 0x7fffu + (bits >> 16 & 1)) & 0xffff0000u;
  return (bits & 0x7fffffffu) < DL_BFLOAT16_LEAST ? 0 : bits;
}

// The terms of one chain in a product over k terms: dl_gemm_block's, in whole tiles.
static inline size_t dl_bfloat16_block(size_t k) {
  const size_t block = dl_gemm_block(k);
  return block < k ? dl_round_up(block, DL_TILE_TERMS) : k;
}

// The instance in use, by its place in DL_BFLOAT16_TABLE.
static inline int dl_bfloat16_level(void) {
  const dl_cpu_bfloat16_t products = dl_cpu_bfloat16();
  return products ? DL_CPU_AVX512 + (int)products : (int)dl_cpu_level();
}

// Element type DL_BF16 of dl_gemm.h.
void dl_bfloat16_gemm(
    int transpose_a, int transpose_b, size_t m, size_t n, size_t k, double alpha, const void *a,
    size_t lda, const void *b, size_t ldb, double beta, void *c, size_t ldc);
void dl_bfloat16_product(
    int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const void *a, size_t lda,
    const void *b, size_t ldb, const void *packed, void *c, size_t ldc,
    const dl_finish *finish);
void dl_bfloat16_pack(
    int transpose_b, size_t n, size_t k, const void *b, size_t ldb, void *packed);

#endif
