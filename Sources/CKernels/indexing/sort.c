#include "dl_indexing.h"

#include "template.h"

#define DL_INC "indexing/sort.inc"
#include "instantiate.h"

void dl_sort(
    dl_dtype t, const void *x, size_t outer, size_t extent, size_t inner, int descending,
    size_t k, void *keys, int32_t *scratch, int32_t *index) {
  DL_CALL(sort, t, x, outer, extent, inner, descending, k, keys, scratch, index);
}

void dl_extreme_index(
    dl_dtype t, const void *x, size_t outer, size_t extent, size_t inner, int largest,
    int32_t *index) {
  DL_CALL(extreme_index, t, x, outer, extent, inner, largest, index);
}
