#ifndef DL_INDEXING_H
#define DL_INDEXING_H

#include "dl_types.h"

// Tensors are [outer, extent, inner] around the axis in question. `size` is the bytes of an element:
// what only copies works for every type. Results that count are -1, or the position of the first
// index that is not in 0 ..< extent; nothing is written behind it.

/// y[o, i, :] = x[o, start + i * step, :] for i in 0 ..< length.
void dl_slice_forward(
    size_t size, const void *x, size_t outer, size_t extent, size_t inner, size_t start,
    size_t step, size_t length, void *y);

/// dx[o, start + i * step, :] += dy[o, i, :]; the rest of dx stays.
void dl_slice_backward(
    dl_dtype t, const void *dy, size_t outer, size_t extent, size_t inner, size_t start,
    size_t step, size_t length, void *dx);

/// y[o, start + i, :] = x[o, i, :] for i in 0 ..< length; extent is that of y.
void dl_concat_forward(
    size_t size, const void *x, size_t outer, size_t length, size_t inner, size_t start,
    size_t extent, void *y);

/// dx[o, i, :] (+)= dy[o, start + i, :].
void dl_concat_backward(
    dl_dtype t, const void *dy, size_t outer, size_t length, size_t inner, size_t start,
    size_t extent, void *dx, int accumulate);

/// y[o, k, :] = x[o, index[k], :].
ptrdiff_t dl_index_select(
    size_t size, const void *x, size_t outer, size_t extent, size_t inner, const int32_t *index,
    size_t n, void *y);

/// y[o, index[k], :] += x[o, k, :], in the order of k.
ptrdiff_t dl_index_add(
    dl_dtype t, const void *x, size_t outer, size_t extent, size_t inner, const int32_t *index,
    size_t n, void *y);

/// y[i] (+)= x[i with index[i] on `axis`], i over the shape of index.
///
/// Every extent of index but that of `axis` is at most that of x.
ptrdiff_t dl_gather(
    dl_dtype t, size_t rank, const size_t *x_shape, const size_t *index_shape, size_t axis,
    const void *x, const int32_t *index, void *y, int accumulate);

/// y[i with index[i] on `axis`] += x[i], in row-major order of i.
ptrdiff_t dl_scatter_add(
    dl_dtype t, size_t rank, const size_t *y_shape, const size_t *index_shape, size_t axis,
    const void *x, const int32_t *index, void *y);

/// y (+)= the sums of x[o, 0 ... i, :], or of x[o, i ..., :] if `reverse`; double accumulators.
void dl_cumulative_sum(
    dl_dtype t, const void *x, size_t outer, size_t extent, size_t inner, int reverse, void *y,
    int accumulate);

#endif
