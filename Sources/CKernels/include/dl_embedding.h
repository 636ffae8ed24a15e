#ifndef DL_EMBEDDING_H
#define DL_EMBEDDING_H

#include "dl_types.h"

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

#endif
