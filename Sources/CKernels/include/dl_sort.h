#ifndef DL_SORT_H
#define DL_SORT_H

#include "dl_types.h"

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

#endif
