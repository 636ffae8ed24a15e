// A broadcast view: dimensions of size 1 dropped and neighbors merged where every operand allows it,
// so that inner loops are as long as they can be.
#ifndef DL_VIEW_H
#define DL_VIEW_H

#include "dl_elementwise.h"
#include "template.h"

typedef struct {
  size_t rank;  // at least 1; size 1 and stride 0 for a scalar
  size_t shape[DL_MAX_RANK];
  ptrdiff_t a[DL_MAX_RANK], b[DL_MAX_RANK];
} dl_view;

static inline dl_view dl_make_view(
    size_t rank, const size_t *shape, const ptrdiff_t *a, const ptrdiff_t *b) {
  dl_view v = {.rank = 0};
  for (size_t i = 0; i < rank; i++) {
    if (shape[i] == 1) continue;
    ptrdiff_t sa = a[i], sb = b[i];
    if (v.rank > 0) {
      size_t last = v.rank - 1;
      ptrdiff_t size = (ptrdiff_t)shape[i];
      if (v.a[last] == sa * size && v.b[last] == sb * size) {
        v.shape[last] *= shape[i];
        v.a[last] = sa;
        v.b[last] = sb;
        continue;
      }
    }
    v.shape[v.rank] = shape[i];
    v.a[v.rank] = sa;
    v.b[v.rank] = sb;
    v.rank++;
  }
  if (v.rank == 0) {
    v.rank = 1;
    v.shape[0] = 1;
    v.a[0] = v.b[0] = 0;
  }
  return v;
}

// The number of innermost rows: the product of all dimensions but the last.
static inline size_t dl_view_rows(const dl_view *v) {
  size_t rows = 1;
  for (size_t i = 0; i + 1 < v->rank; i++) rows *= v->shape[i];
  return rows;
}

// Steps `index` to the next innermost row, and the two offsets with it.
static inline void dl_view_next(
    const dl_view *v, size_t *index, ptrdiff_t *a_offset, ptrdiff_t *b_offset) {
  for (size_t i = v->rank - 1; i-- > 0;) {
    *a_offset += v->a[i];
    *b_offset += v->b[i];
    if (++index[i] < v->shape[i]) return;
    *a_offset -= v->a[i] * (ptrdiff_t)v->shape[i];
    *b_offset -= v->b[i] * (ptrdiff_t)v->shape[i];
    index[i] = 0;
  }
}

#endif
