#include "dl_indexing.h"

#include "template.h"

#define DL_INC "indexing/sparse.inc"
#include "instantiate.h"

void dl_sparse_product(
    dl_dtype t, size_t rows, const int32_t *start, const int32_t *column, const void *v,
    const void *x, size_t heads, size_t width, void *y) {
  DL_CALL(sparse_product, t, rows, start, column, v, x, heads, width, y);
}

void dl_sparse_transposed_product(
    dl_dtype t, size_t rows, const int32_t *start, const int32_t *column, const void *v,
    const void *dy, size_t heads, size_t width, void *dx) {
  DL_CALL(sparse_transposed_product, t, rows, start, column, v, dy, heads, width, dx);
}

void dl_sparse_sampled_product(
    dl_dtype t, size_t rows, const int32_t *start, const int32_t *column, const void *dy,
    const void *x, size_t heads, size_t width, void *dv, int accumulate) {
  DL_CALL(sparse_sampled_product, t, rows, start, column, dy, x, heads, width, dv, accumulate);
}

void dl_sparse_softmax(
    dl_dtype t, size_t rows, const int32_t *start, const void *v, size_t heads, void *y) {
  DL_CALL(sparse_softmax, t, rows, start, v, heads, y);
}

void dl_sparse_softmax_backward(
    dl_dtype t, size_t rows, const int32_t *start, const void *y, const void *dy, size_t heads,
    void *dv, int accumulate) {
  DL_CALL(sparse_softmax_backward, t, rows, start, y, dy, heads, dv, accumulate);
}
