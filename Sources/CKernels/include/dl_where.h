#ifndef DL_WHERE_H
#define DL_WHERE_H

#include "dl_types.h"

// Masks hold one byte an element, 0 or not. Strides count elements, 0 in a broadcast dimension;
// `shape` has at most 8 dimensions and y is contiguous.

/// y = mask ? a : b.
void dl_where(
    dl_dtype t, size_t rank, const size_t *shape, const uint8_t *mask,
    const ptrdiff_t *mask_strides, const void *a, const ptrdiff_t *a_strides, const void *b,
    const ptrdiff_t *b_strides, void *y);

/// Comparisons; with NaN all are false but the last.
typedef enum {
  DL_LESS = 0,
  DL_LESS_EQUAL,
  DL_GREATER,
  DL_GREATER_EQUAL,
  DL_EQUAL,
  DL_NOT_EQUAL,
} dl_comparison;

/// y = a op b ? 1 : 0.
void dl_compare(
    dl_dtype t, dl_comparison op, size_t rank, const size_t *shape, const void *a,
    const ptrdiff_t *a_strides, const void *b, const ptrdiff_t *b_strides, uint8_t *y);

/// The same for int32.
void dl_compare_integers(
    dl_comparison op, size_t rank, const size_t *shape, const int32_t *a,
    const ptrdiff_t *a_strides, const int32_t *b, const ptrdiff_t *b_strides, uint8_t *y);

#endif
