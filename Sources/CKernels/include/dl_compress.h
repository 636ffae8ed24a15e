#ifndef DL_COMPRESS_H
#define DL_COMPRESS_H

#include "dl_types.h"

/// Encoders of float32 gradients. Each leaves in x what a decoder will not see: its error.

/// x[i] += r[i]; 1 where all sums are finite, else 0.
int dl_add_finite(float *x, const float *r, size_t n);

/// y = x as bfloat16, to nearest, ties to even; finite numbers beyond its range become its largest.
void dl_bf16_encode(float *x, size_t n, uint16_t *y);

/// x = y.
void dl_bf16_decode(const uint16_t *y, size_t n, float *x);

/// y = x * scale as IEEE half, to nearest, ties to even.
///
/// scale is the power of two that brings the largest magnitude to 2^14 ..< 2^15, and 1 for zeros.
void dl_fp16_encode(float *x, size_t n, float *scale, uint16_t *y);

/// x = y / scale.
void dl_fp16_decode(float scale, const uint16_t *y, size_t n, float *x);

/// The k <= n largest magnitudes with their indices, ascending, n <= 65536; of equal ones the first.
void dl_top_k_encode(float *x, size_t n, size_t k, float *values, uint16_t *indices);

/// x = zeros but for the values at their indices; an index outside makes x[0] no number.
void dl_top_k_decode(
    const float *values, const uint16_t *indices, size_t k, size_t n, float *x);

/// A power of two for the columns of n elements that have no rows of their own: the largest whose
/// square n holds.
size_t dl_low_rank_columns(size_t n);

/// Elements of a matrix one row behind another: the first row may lack elements at its beginning,
/// and the last at its end.
typedef struct {
  size_t count, columns, start;  // start < columns: the first element's column
} dl_rows;

/// The rows that a dl_rows has elements of.
size_t dl_row_count(dl_rows shape);

/// One power iteration: x is close to left * right^T, with rank columns each, stored one behind
/// another; those of left are orthonormal or zero.
///
/// warm [rank * columns] holds the last right factor, zeros at first; columns of zeros start as
/// random numbers that seed determines.
void dl_low_rank_encode(
    float *x, dl_rows shape, size_t rank, uint64_t seed, float *warm, float *left,
    float *right);

/// x = left * right^T.
void dl_low_rank_decode(
    const float *left, const float *right, dl_rows shape, size_t rank, float *x);

#endif
