#ifndef DL_BINARY_H
#define DL_BINARY_H

#include "dl_types.h"

#define DL_MAX_RANK 8

/// Functions of two variables, with broadcasting.
typedef enum {
  DL_ADD = 0,
  DL_SUB,
  DL_MUL,
  DL_DIV,
  DL_MAXIMUM,  // NaN in either operand gives NaN
  DL_MINIMUM,
  DL_POW,  // a^b
} dl_binary;

/// y = op(a, b) over `shape` (rank 0 to 8), y contiguous.
///
/// Strides count elements; a broadcast dimension has stride 0. y may be a or b where that operand is
/// contiguous and not broadcast.
void dl_binary_forward(
    dl_dtype t, dl_binary op, size_t rank, const size_t *shape, const void *a,
    const ptrdiff_t *a_strides, const void *b, const ptrdiff_t *b_strides, void *y);

/// g (+)= dy * d op / d operand over the full `shape`; operand 0 is a, 1 is b.
///
/// g and dy are contiguous; `dl_reduce_to` then sums g to the operand's own shape. Where maximum or
/// minimum meet a tie each operand gets half, as in PyTorch. a and b may be NULL for add and sub.
void dl_binary_backward(
    dl_dtype t, dl_binary op, int operand, size_t rank, const size_t *shape, const void *a,
    const ptrdiff_t *a_strides, const void *b, const ptrdiff_t *b_strides, const void *dy,
    void *g, int accumulate);

/// out (+)= x summed over the dimensions in which `out_strides` is 0; double accumulators.
///
/// x is contiguous over `shape`; the other strides place each kept index in `out`.
void dl_reduce_to(
    dl_dtype t, size_t rank, const size_t *shape, const void *x, const ptrdiff_t *out_strides,
    void *out, int accumulate);

/// y (+)= x spread over `shape`: y is contiguous, x has stride 0 in the broadcast dimensions.
void dl_expand_to(
    dl_dtype t, size_t rank, const size_t *shape, const void *x, const ptrdiff_t *x_strides,
    void *y, int accumulate);

#endif
