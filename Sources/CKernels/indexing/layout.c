#include "dl_indexing.h"

#include "dl_elementwise.h"
#include "template.h"
#include "view.h"

#define DL_TILE 16
#define DL_INC "indexing/layout.inc"
#include "instantiate.h"

void dl_permute(
    dl_dtype t, size_t rank, const size_t *shape, const size_t *axes, const void *x, void *y,
    int accumulate) {
  size_t y_shape[DL_MAX_RANK];
  ptrdiff_t strides[DL_MAX_RANK], y_strides[DL_MAX_RANK], none[DL_MAX_RANK] = {0}, stride = 1;
  for (size_t i = rank; i-- > 0;) {
    strides[i] = stride;
    stride *= (ptrdiff_t)shape[i];
  }
  if (stride == 0) return;
  for (size_t i = 0; i < rank; i++) {
    y_shape[i] = shape[axes[i]];
    y_strides[i] = strides[axes[i]];
  }
  dl_view v = dl_make_view(rank, y_shape, y_strides, none);
  DL_CALL(permute, t, &v, x, y, accumulate);
}

static DL_CLONES void dl_narrow(const double *x, float *y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = (float)x[i];
}

static DL_CLONES void dl_widen(const float *x, double *y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = x[i];
}

void dl_cast(dl_dtype from, const void *x, dl_dtype to, void *y, size_t n) {
  if (from == to) {
    dl_copy(from, x, y, n);
  } else if (to == DL_F32) {
    dl_narrow(x, y, n);
  } else {
    dl_widen(x, y, n);
  }
}
