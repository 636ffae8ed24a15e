#include "dl_indexing.h"

#include "dl_elementwise.h"
#include "template.h"

#define DL_RUN 64
#define DL_INC "indexing/indexing.inc"
#include "instantiate.h"

void dl_slice_forward(
    size_t size, const void *x, size_t outer, size_t extent, size_t inner, size_t start,
    size_t step, size_t length, void *y) {
  size_t runs = step == 1 ? 1 : length, run = (step == 1 ? length : 1) * inner * size;
  if (run == 0) return;
  const char *from = (const char *)x + start * inner * size;
  char *to = y;
  for (size_t o = 0; o < outer; o++, from += extent * inner * size) {
    for (size_t i = 0; i < runs; i++, to += run)
      memcpy(to, from + i * step * inner * size, run);
  }
}

void dl_slice_backward(
    dl_dtype t, const void *dy, size_t outer, size_t extent, size_t inner, size_t start,
    size_t step, size_t length, void *dx) {
  DL_CALL(slice_backward, t, dy, outer, extent, inner, start, step, length, dx);
}

void dl_concat_forward(
    size_t size, const void *x, size_t outer, size_t length, size_t inner, size_t start,
    size_t extent, void *y) {
  size_t run = length * inner * size;
  if (run == 0) return;
  const char *from = x;
  char *to = (char *)y + start * inner * size;
  for (size_t o = 0; o < outer; o++, from += run, to += extent * inner * size) {
    memcpy(to, from, run);
  }
}

void dl_concat_backward(
    dl_dtype t, const void *dy, size_t outer, size_t length, size_t inner, size_t start,
    size_t extent, void *dx, int accumulate) {
  size_t size = t == DL_F32 ? sizeof(float) : sizeof(double);
  if (accumulate) {
    DL_CALL(concat_backward, t, dy, outer, length, inner, start, extent, dx);
  } else {
    dl_slice_forward(size, dy, outer, extent, inner, start, 1, length, dx);
  }
}

// The place of the first index outside [0, extent); -1 for none.
static ptrdiff_t dl_wrong_index(const int32_t *index, size_t n, size_t extent) {
  size_t first = dl_first_outside(index, n, extent);
  return first < n ? (ptrdiff_t)first : -1;
}

ptrdiff_t dl_index_select(
    size_t size, const void *x, size_t outer, size_t extent, size_t inner, const int32_t *index,
    size_t n, void *y) {
  ptrdiff_t wrong = dl_wrong_index(index, n, extent);
  size_t run = inner * size;
  if (wrong >= 0 || run == 0) return wrong;
  const char *from = x;
  char *to = y;
  for (size_t o = 0; o < outer; o++, from += extent * run) {
    for (size_t k = 0; k < n; k++, to += run) memcpy(to, from + (size_t)index[k] * run, run);
  }
  return -1;
}

ptrdiff_t dl_index_add(
    dl_dtype t, const void *x, size_t outer, size_t extent, size_t inner, const int32_t *index,
    size_t n, void *y) {
  ptrdiff_t wrong = dl_wrong_index(index, n, extent);
  if (wrong < 0) DL_CALL(index_add, t, x, outer, extent, inner, index, n, y);
  return wrong;
}

// The walk over the shape of an index: at each innermost row the offset into the other tensor, the
// position on `axis` left out.
typedef struct {
  size_t rank, axis, rows, row;
  size_t shape[DL_MAX_RANK], at[DL_MAX_RANK], strides[DL_MAX_RANK];
  size_t offset;
} dl_index_walk;

static dl_index_walk dl_walk(
    size_t rank, const size_t *shape, const size_t *index_shape, size_t axis) {
  dl_index_walk w = {.rank = rank, .axis = axis, .rows = 1};
  size_t stride = 1;
  for (size_t i = rank; i-- > 0;) {
    w.shape[i] = index_shape[i];
    w.strides[i] = stride;
    stride *= shape[i];
    if (i + 1 < rank) w.rows *= index_shape[i];
  }
  w.row = index_shape[rank - 1];
  return w;
}

static void dl_walk_next(dl_index_walk *w) {
  for (size_t i = w->rank - 1; i-- > 0;) {
    size_t stride = i == w->axis ? 0 : w->strides[i];
    w->offset += stride;
    if (++w->at[i] < w->shape[i]) return;
    w->offset -= stride * w->shape[i];
    w->at[i] = 0;
  }
}

static size_t dl_product(size_t rank, const size_t *shape) {
  size_t n = 1;
  for (size_t i = 0; i < rank; i++) n *= shape[i];
  return n;
}

ptrdiff_t dl_gather(
    dl_dtype t, size_t rank, const size_t *x_shape, const size_t *index_shape, size_t axis,
    const void *x, const int32_t *index, void *y, int accumulate) {
  ptrdiff_t wrong = dl_wrong_index(index, dl_product(rank, index_shape), x_shape[axis]);
  if (wrong >= 0) return wrong;
  dl_index_walk w = dl_walk(rank, x_shape, index_shape, axis);
  size_t along = w.strides[axis], across = axis + 1 == rank ? 0 : 1;
  for (size_t r = 0; r < w.rows; r++) {
    size_t at = r * w.row;
    DL_CALL(gather_row, t, x, w.offset, across, along, index + at, w.row, y, at, accumulate);
    dl_walk_next(&w);
  }
  return -1;
}

ptrdiff_t dl_scatter_add(
    dl_dtype t, size_t rank, const size_t *y_shape, const size_t *index_shape, size_t axis,
    const void *x, const int32_t *index, void *y) {
  ptrdiff_t wrong = dl_wrong_index(index, dl_product(rank, index_shape), y_shape[axis]);
  if (wrong >= 0) return wrong;
  dl_index_walk w = dl_walk(rank, y_shape, index_shape, axis);
  size_t along = w.strides[axis], across = axis + 1 == rank ? 0 : 1;
  for (size_t r = 0; r < w.rows; r++) {
    size_t at = r * w.row;
    DL_CALL(scatter_row, t, x, at, index + at, w.row, y, w.offset, across, along);
    dl_walk_next(&w);
  }
  return -1;
}

void dl_cumulative_sum(
    dl_dtype t, const void *x, size_t outer, size_t extent, size_t inner, int reverse, void *y,
    int accumulate) {
  DL_CALL(cumulative_sum, t, x, outer, extent, inner, reverse, y, accumulate);
}
