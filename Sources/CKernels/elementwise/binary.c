#include "dl_elementwise.h"

#include "template.h"
#include "view.h"

#define DL_FOR_EACH_BINARY(X) X(add) X(sub) X(mul) X(div) X(maximum) X(minimum) X(pow)

#define DL_INC "elementwise/binary.inc"
#include "instantiate.h"

void dl_binary_forward(
    dl_dtype t, dl_binary op, size_t rank, const size_t *shape, const void *a,
    const ptrdiff_t *a_strides, const void *b, const ptrdiff_t *b_strides, void *y) {
  dl_view v = dl_make_view(rank, shape, a_strides, b_strides);
  DL_CALL(binary_forward, t, op, &v, a, b, y);
}

void dl_binary_backward(
    dl_dtype t, dl_binary op, int operand, size_t rank, const size_t *shape, const void *a,
    const ptrdiff_t *a_strides, const void *b, const ptrdiff_t *b_strides, const void *dy,
    void *g, int accumulate) {
  if (op == DL_ADD || op == DL_SUB) {
    size_t n = 1;
    for (size_t i = 0; i < rank; i++) n *= shape[i];
    dl_scale(t, op == DL_SUB && operand != 0 ? -1 : 1, dy, g, n, accumulate);
    return;
  }
  dl_view v = dl_make_view(rank, shape, a_strides, b_strides);
  DL_CALL(binary_backward, t, op, operand, &v, a, b, dy, g, accumulate);
}
