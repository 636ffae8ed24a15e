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

// Tables of rows [entries, width], looked up by int32 indices. Sums are taken in double, in the
// order of the positions.

/// The first position of an index outside 0 ..< entries; n if there is none.
size_t dl_first_outside(const int32_t *index, size_t n, size_t entries);

/// y[i] = table[index[i]].
void dl_gather_rows(
    dl_dtype t, const void *table, const int32_t *index, size_t n, size_t width, void *y);

/// Sorts positions by their index, those of one index in order: the positions of row r are
/// order[start[r] ..< start[r + 1]]. start: entries + 1 elements; order: n.
void dl_positions_by_row(
    const int32_t *index, size_t n, size_t entries, int32_t *start, int32_t *order);

/// y[s] (+)= sum over j in start[s] ..< start[s + 1] of scale[p] * x[from[p]], p = order[j].
///
/// order NULL: p = j; from NULL: p itself; scale NULL: 1. Segment `skipped` counts as empty.
/// Without accumulate empty segments give zeros, with it their rows are left alone.
/// sums: width doubles.
void dl_segment_sums(
    dl_dtype t, const void *x, size_t width, const int32_t *start, size_t segments,
    const int32_t *order, const int32_t *from, const void *scale, ptrdiff_t skipped,
    double *sums, void *y, int accumulate);

/// bag[p] and the scale of position p in its bag: weight[p] (1 if NULL), or 1 / the bag's length if
/// `mean`; 0 where index[p] is `padding`, which lengths leave out.
void dl_bag_scales(
    dl_dtype t, const int32_t *index, const int32_t *start, size_t bags, const void *weight,
    int mean, ptrdiff_t padding, int32_t *bag, void *scale);

/// y[b, c] = the largest table[index[p], c] over the positions of bag b, padding left out; `from`
/// is the row that it comes from, -1 (and y 0) for an empty bag.
void dl_bag_max(
    dl_dtype t, const void *table, size_t width, const int32_t *index, const int32_t *start,
    size_t bags, ptrdiff_t padding, void *y, int32_t *from);

/// dtable[from[b, c], c] += dy[b, c].
void dl_bag_max_backward(
    dl_dtype t, const void *dy, const int32_t *from, size_t bags, size_t width, void *dtable);

/// dweight[p] (+)= dy[bag[p]] . table[index[p]], 0 where index[p] is `padding`.
void dl_bag_weight_backward(
    dl_dtype t, const void *dy, const void *table, size_t width, const int32_t *index,
    const int32_t *bag, size_t n, ptrdiff_t padding, void *dweight, int accumulate);

/// used[index[i]] = 1; indices outside 0 ..< entries are passed over.
void dl_mark_rows(const int32_t *index, size_t n, size_t entries, float *used);

/// Scales each row whose p-norm is above `bound` by bound / (norm + 1e-7); where `used` is not
/// NULL, only rows r with used[r] > 0.
void dl_renormalize_rows(
    dl_dtype t, void *table, size_t entries, size_t width, const float *used, double bound,
    double p);

/// y (+)= x with dimension i of y being dimension axes[i] of x; rank at most 8, y not over x.
///
/// The gradient is the permutation by the inverse axes.
void dl_permute(
    dl_dtype t, size_t rank, const size_t *shape, const size_t *axes, const void *x, void *y,
    int accumulate);

/// y[i] = x[i], converted; equal types copy.
void dl_cast(dl_dtype from, const void *x, dl_dtype to, void *y, size_t n);

// Reading NHWC images between their pixels.

/// Where an output row (or column) lies between two input rows: `weight` of the upper one.
typedef struct {
  int32_t lower, upper;
  double weight;
} dl_blend;

/// y [n, oh, ow, c] = x [n, h, w, c] read at rows[oy] and columns[ox], bilinearly.
void dl_resize_forward(
    dl_dtype t, const void *x, size_t n, size_t h, size_t w, size_t c, const dl_blend *rows,
    size_t oh, const dl_blend *columns, size_t ow, void *y);

/// dx (+)= the gradient of `dl_resize_forward`.
void dl_resize_backward(
    dl_dtype t, const void *dy, size_t n, size_t h, size_t w, size_t c, const dl_blend *rows,
    size_t oh, const dl_blend *columns, size_t ow, void *dx, int accumulate);

/// y [n, oh, ow, c] = x [n, h, w, c] from row `top` and column `left` on, zero around it.
void dl_pad_forward(
    dl_dtype t, const void *x, size_t n, size_t h, size_t w, size_t c, size_t top, size_t left,
    size_t oh, size_t ow, void *y);

/// dx (+)= the part of dy that `dl_pad_forward` put x into.
void dl_pad_backward(
    dl_dtype t, const void *dy, size_t n, size_t h, size_t w, size_t c, size_t top, size_t left,
    size_t oh, size_t ow, void *dx, int accumulate);

/// Outside the image: zeros, or the pixel of the border.
typedef enum { DL_PAD_ZEROS = 0, DL_PAD_BORDER = 1 } dl_sample_padding;

/// y [n, places, c] = x [n, h, w, c] read bilinearly at grid [n, places, 2], pairs of x and y.
///
/// -1 and 1 are the centres of the corner pixels with align_corners, else their outer edges. A place
/// that is no number reads nothing, or the first pixel with DL_PAD_BORDER.
void dl_grid_sample_forward(
    dl_dtype t, const void *x, size_t n, size_t h, size_t w, size_t c, const void *grid,
    size_t places, dl_sample_padding padding, int align_corners, void *y);

/// dx (+)= the gradient by the images; dgrid (+)= that by the places. Either may be NULL.
void dl_grid_sample_backward(
    dl_dtype t, const void *x, size_t n, size_t h, size_t w, size_t c, const void *grid,
    size_t places, dl_sample_padding padding, int align_corners, const void *dy, void *dx,
    void *dgrid, int accumulate);

// Over the middle axis of [outer, extent, inner].

/// index[o, :, j] = the positions of the first `k` elements in order; equals keep their order,
/// and NaN counts as larger than every number.
///
/// `keys` has room for `extent` elements, `scratch` for 2 * extent.
void dl_sort(
    dl_dtype t, const void *x, size_t outer, size_t extent, size_t inner, int descending,
    size_t k, void *keys, int32_t *scratch, int32_t *index);

/// index[o, j] = the first position of the largest element, or of the smallest; NaN is
/// either. The extent is above 0.
void dl_extreme_index(
    dl_dtype t, const void *x, size_t outer, size_t extent, size_t inner, int largest,
    int32_t *index);

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
