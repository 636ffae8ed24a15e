#include "gemm/bfloat16.h"

#include <string.h>

#include "gemm/tiles.h"
#include "template.h"

#pragma STDC FP_CONTRACT OFF

#define DL_ROUNDED 0
#define DL_TILED "gemm/bfloat16_gemm.inc"
#include "gemm/bfloat16_levels.inc"

void dl_bfloat16_gemm(
    int transpose_a, int transpose_b, size_t m, size_t n, size_t k, double alpha, const void *a,
    size_t lda, const void *b, size_t ldb, double beta, void *c, size_t ldc) {
  static const gemm_kernel kernels[] = DL_BFLOAT16_TABLE(gemm);
  kernels[dl_bfloat16_level()](
      transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void dl_bfloat16_product(
    int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const void *a, size_t lda,
    const void *b, size_t ldb, const void *packed, void *c, size_t ldc,
    const dl_finish *finish) {
  static const product_kernel kernels[] = DL_BFLOAT16_TABLE(gemm_product);
  kernels[dl_bfloat16_level()](
      transpose_a, transpose_b, m, n, k, a, lda, b, ldb, packed, c, ldc, finish);
}

void dl_bfloat16_pack(
    int transpose_b, size_t n, size_t k, const void *b, size_t ldb, void *packed) {
  static const pack_kernel kernels[] = DL_BFLOAT16_TABLE(gemm_pack);
  kernels[dl_bfloat16_level()](transpose_b, n, k, b, ldb, packed);
}

DL_CLONES void dl_bfloat16_operand(const float *x, size_t n, float *y) {
  DL_INDEPENDENT
  for (size_t i = 0; i < n; i++) {
    const uint32_t bits = dl_bfloat16_round(x[i]);
    memcpy(y + i, &bits, sizeof bits);
  }
}
