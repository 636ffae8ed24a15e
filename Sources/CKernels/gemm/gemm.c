#include "gemm/gemm.h"

#include <string.h>

#include "gemm/bfloat16.h"

// Products and sums are rounded one by one unless a fused multiply-add is written, on every CPU.
#pragma STDC FP_CONTRACT OFF

#define DL_TILED "gemm/gemm.inc"
#include "gemm/levels.inc"

static void product(
    dl_dtype t, int transpose_b, size_t m, size_t n, size_t k, const void *a, size_t lda,
    const void *b, size_t ldb, const void *packed, void *c, size_t ldc,
    const dl_finish *finish) {
  static const product_kernel kernels[][2] = DL_LEVEL_TABLE(gemm_product);
  const product_kernel kernel = t == DL_BF16 ? dl_bfloat16_product : kernels[dl_cpu_level()][t];
  kernel(0, transpose_b, m, n, k, a, lda, b, ldb, packed, c, ldc, finish);
}

void dl_gemm(
    dl_dtype t, int transpose_a, int transpose_b, size_t m, size_t n, size_t k, double alpha,
    const void *a, size_t lda, const void *b, size_t ldb, double beta, void *c, size_t ldc) {
  static const gemm_kernel kernels[][2] = DL_LEVEL_TABLE(gemm);
  const gemm_kernel kernel = t == DL_BF16 ? dl_bfloat16_gemm : kernels[dl_cpu_level()][t];
  kernel(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void dl_linear(
    dl_dtype t, size_t m, size_t n, size_t k, const void *a, size_t lda, const void *b,
    size_t ldb, const void *bias, int relu, void *c, size_t ldc) {
  const dl_finish finish = {.alpha = 1, .relu = relu, .bias = bias};
  product(t, 1, m, n, k, a, lda, b, ldb, NULL, c, ldc, &finish);
}

size_t dl_gemm_packed_bytes(dl_dtype t, size_t n, size_t k) {
  // The widest panel there is.
  const size_t columns = dl_round_up(n, 64);
  if (t == DL_BF16) return columns * dl_round_up(k, DL_TILE_TERMS) * sizeof(uint16_t);
  return columns * k * (t == DL_F32 ? sizeof(float) : sizeof(double));
}

void dl_gemm_pack(
    dl_dtype t, int transpose_b, size_t n, size_t k, const void *b, size_t ldb, void *packed) {
  static const pack_kernel kernels[][2] = DL_LEVEL_TABLE(gemm_pack);
  const pack_kernel kernel = t == DL_BF16 ? dl_bfloat16_pack : kernels[dl_cpu_level()][t];
  kernel(transpose_b, n, k, b, ldb, packed);
}

void dl_gemm_packed(
    dl_dtype t, size_t m, size_t n, size_t k, const void *a, size_t lda, const void *packed,
    int accumulate, void *c, size_t ldc) {
  const dl_finish finish = {.alpha = 1, .accumulate = accumulate};
  product(t, 0, m, n, k, a, lda, NULL, 0, packed, c, ldc, &finish);
}

size_t dl_gemm_block(size_t k) {
  const size_t longest = DL_GEMM_LONGEST;
  if (k <= longest) return k;
  size_t blocks = (k + longest - 1) / longest;
  return dl_round_up((k + blocks - 1) / blocks, 8);
}
