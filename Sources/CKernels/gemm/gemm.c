#include "gemm/gemm.h"

#include <string.h>

// Products and sums are rounded one by one unless a fused multiply-add is written, on every CPU.
#pragma STDC FP_CONTRACT OFF

#define DL_TILED "gemm/gemm.inc"
#include "gemm/levels.inc"

typedef void (*kernel)(
    int, int, size_t, size_t, size_t, double, const void *, size_t, const void *, size_t,
    double, void *, size_t);

void dl_gemm(
    dl_dtype t, int transpose_a, int transpose_b, size_t m, size_t n, size_t k, double alpha,
    const void *a, size_t lda, const void *b, size_t ldb, double beta, void *c, size_t ldc) {
  static const kernel kernels[][2] = DL_LEVEL_TABLE(gemm);
  kernels[dl_cpu_level()][t](
      transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

size_t dl_gemm_block(size_t k) {
  const size_t longest = DL_GEMM_LONGEST;
  if (k <= longest) return k;
  size_t blocks = (k + longest - 1) / longest;
  return dl_round_up((k + blocks - 1) / blocks, 8);
}
