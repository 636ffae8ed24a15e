#ifndef DL_GEMM_H
#define DL_GEMM_H

#include "dl_types.h"

/// c [m, n] = alpha * op(a) * op(b) + beta * c, all row-major; op(a) is [m, k], op(b) is [k, n].
///
/// A leading dimension is the distance between rows. Every element is a chain of fused multiply-adds
/// over k in ascending order within blocks of dl_gemm_block(k) terms; the blocks' results, times
/// alpha, are added to beta * c in ascending order. So the bits depend on that element's row, column
/// and k alone: not on m, n, the transposes, or the CPU. With beta 0, c is written without being read.
///
/// With DL_BF16 a, b and c are float32. The operands are rounded to bfloat16, to nearest with ties to
/// even; what rounds below 2^-56 is zero. Blocks of more than one have a multiple of 32 terms. Of 32
/// terms of a block, those at even places are a chain from zero on, those at odd places another, and
/// their sum is added to the block's, all in float32: the arithmetic of AMX's TDPBF16PS.
void dl_gemm(
    dl_dtype t, int transpose_a, int transpose_b, size_t m, size_t n, size_t k, double alpha,
    const void *a, size_t lda, const void *b, size_t ldb, double beta, void *c, size_t ldc);

/// c [m, n] = a [m, k] * b^T + bias [n] or NULL, then max(c, 0) with `relu`; b is [n, k], k > 0.
///
/// The bits are those of dl_gemm, of adding the bias, and of the maximum, one after the other.
void dl_linear(
    dl_dtype t, size_t m, size_t n, size_t k, const void *a, size_t lda, const void *b,
    size_t ldb, const void *bias, int relu, void *c, size_t ldc);

/// Bytes of a right operand op(b) [k, n] that dl_gemm_pack lays out.
size_t dl_gemm_packed_bytes(dl_dtype t, size_t n, size_t k);

/// Lays op(b) out as products read it, once for many of them with few rows.
void dl_gemm_pack(
    dl_dtype t, int transpose_b, size_t n, size_t k, const void *b, size_t ldb, void *packed);

/// c [m, n] (+)= a [m, k] * op(b), with the bits of dl_gemm; k > 0.
void dl_gemm_packed(
    dl_dtype t, size_t m, size_t n, size_t k, const void *a, size_t lda, const void *packed,
    int accumulate, void *c, size_t ldc);

/// The terms of one chain in a product over k terms.
size_t dl_gemm_block(size_t k);

/// y[i] = x[i] as products of DL_BF16 round it, which float32 holds.
void dl_bfloat16_operand(const float *x, size_t n, float *y);

#endif
