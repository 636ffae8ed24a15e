#ifndef DL_ROW_SUMS_H
#define DL_ROW_SUMS_H

#include "dl_types.h"

// Sums accumulate in double, in an order that depends on nothing but the lengths given.

/// The sum of x[0..<n].
double dl_sum(dl_dtype t, const void *x, size_t n);

/// The sum of a[i] * b[i].
double dl_dot(dl_dtype t, const void *a, const void *b, size_t n);

/// The sum of |x[i]|.
double dl_abs_sum(dl_dtype t, const void *x, size_t n);

/// The largest |x[i]|, 0 of nothing; NaN where any element is.
double dl_abs_max(dl_dtype t, const void *x, size_t n);

/// y[outer, inner] (+)= scale * sum over axis of x[outer, axis, inner].
void dl_sum_axes(
    dl_dtype t, const void *x, size_t outer, size_t axis, size_t inner, double scale, void *y,
    int accumulate);

/// dx[outer, axis, inner] (+)= scale * dy[outer, inner], the gradient of `dl_sum_axes`.
void dl_broadcast_axes(
    dl_dtype t, const void *dy, size_t outer, size_t axis, size_t inner, double scale, void *dx,
    int accumulate);

/// partials[k] = sum of squares of the k-th block of `block` elements (the last may be short).
///
/// There are ceil(n / block) partials. `*nonfinite` is set to 1 if any element is NaN or infinite,
/// and is left alone otherwise.
void dl_square_sum_blocks(
    dl_dtype t, const void *x, size_t n, size_t block, double *partials, int *nonfinite);

/// index[r] = the first position of the largest element of row r of x[rows, cols]; NaN is largest.
void dl_argmax_rows(dl_dtype t, const void *x, size_t rows, size_t cols, int32_t *index);

/// y[cols] (+)= sum over rows of x[rows, cols], the gradient of a bias.
void dl_column_sums(
    dl_dtype t, const void *x, size_t rows, size_t cols, void *y, int accumulate);

#endif
