#ifndef DL_SPARSE_H
#define DL_SPARSE_H

#include "dl_types.h"

// A sparse matrix of `rows` rows in compressed form: the entries of row i are start[i] ..<
// start[i + 1], entry e stands in column[e] and has one value per head, v[e, head]. Dense matrices
// are [.., heads, width]. Columns lie inside the dense matrix; sums run in the order of entries.

/// y[i, h, :] = the sum over row i's entries of v[e, h] * x[column[e], h, :].
void dl_sparse_product(
    dl_dtype t, size_t rows, const int32_t *start, const int32_t *column, const void *v,
    const void *x, size_t heads, size_t width, void *y);

/// dx[column[e], h, :] += v[e, h] * dy[i, h, :]: the product with the transposed matrix.
void dl_sparse_transposed_product(
    dl_dtype t, size_t rows, const int32_t *start, const int32_t *column, const void *v,
    const void *dy, size_t heads, size_t width, void *dx);

/// dv[e, h] (+)= the sum of dy[i, h, :] * x[column[e], h, :].
void dl_sparse_sampled_product(
    dl_dtype t, size_t rows, const int32_t *start, const int32_t *column, const void *dy,
    const void *x, size_t heads, size_t width, void *dv, int accumulate);

/// The softmax over each row's entries, for each head by itself.
void dl_sparse_softmax(
    dl_dtype t, size_t rows, const int32_t *start, const void *v, size_t heads, void *y);

/// dv (+)= y * (dy - the sum of dy * y over the row).
void dl_sparse_softmax_backward(
    dl_dtype t, size_t rows, const int32_t *start, const void *y, const void *dy, size_t heads,
    void *dv, int accumulate);

#endif
