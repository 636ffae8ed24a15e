#include "dl_elementwise.h"

#include "template.h"
#include "view.h"

#define DL_INC "elementwise/where.inc"
#include "instantiate.h"

#define T int32_t
#define F(name) name##_i32
#include "compare.inc"
#undef T
#undef F

void dl_where(
    dl_dtype t, size_t rank, const size_t *shape, const uint8_t *mask,
    const ptrdiff_t *mask_strides, const void *a, const ptrdiff_t *a_strides, const void *b,
    const ptrdiff_t *b_strides, void *y) {
  // A scalar is a row of one element, with strides of 0.
  static const size_t one[1] = {1};
  static const ptrdiff_t none[1] = {0};
  if (rank == 0) {
    rank = 1;
    shape = one;
    mask_strides = a_strides = b_strides = none;
  }
  DL_CALL(where, t, rank, shape, mask, mask_strides, a, a_strides, b, b_strides, y);
}

void dl_compare(
    dl_dtype t, dl_comparison op, size_t rank, const size_t *shape, const void *a,
    const ptrdiff_t *a_strides, const void *b, const ptrdiff_t *b_strides, uint8_t *y) {
  dl_view v = dl_make_view(rank, shape, a_strides, b_strides);
  DL_CALL(compare, t, op, &v, a, b, y);
}

void dl_compare_integers(
    dl_comparison op, size_t rank, const size_t *shape, const int32_t *a,
    const ptrdiff_t *a_strides, const int32_t *b, const ptrdiff_t *b_strides, uint8_t *y) {
  dl_view v = dl_make_view(rank, shape, a_strides, b_strides);
  compare_i32(op, &v, a, b, y);
}
