#include "dl_elementwise.h"
#include "template.h"
#include "view.h"

#define DL_RUN 64

#define DL_INC "elementwise/broadcast.inc"
#include "instantiate.h"

void dl_reduce_to(
    dl_dtype t, size_t rank, const size_t *shape, const void *x, const ptrdiff_t *out_strides,
    void *out, int accumulate) {
  size_t kept_shape[DL_MAX_RANK], reduced_shape[DL_MAX_RANK], kept = 0, reduced = 0;
  ptrdiff_t kept_x[DL_MAX_RANK], kept_out[DL_MAX_RANK], reduced_x[DL_MAX_RANK];
  ptrdiff_t none[DL_MAX_RANK] = {0}, strides[DL_MAX_RANK], stride = 1;
  for (size_t i = rank; i-- > 0;) {
    strides[i] = stride;
    stride *= (ptrdiff_t)shape[i];
  }
  for (size_t i = 0; i < rank; i++) {
    if (out_strides[i] == 0) {
      reduced_shape[reduced] = shape[i];
      reduced_x[reduced++] = strides[i];
    } else {
      kept_shape[kept] = shape[i];
      kept_x[kept] = strides[i];
      kept_out[kept++] = out_strides[i];
    }
  }
  dl_view k = dl_make_view(kept, kept_shape, kept_x, kept_out);
  dl_view r = dl_make_view(reduced, reduced_shape, reduced_x, none);
  DL_CALL(reduce_to, t, &k, &r, x, out, accumulate);
}

void dl_expand_to(
    dl_dtype t, size_t rank, const size_t *shape, const void *x, const ptrdiff_t *x_strides,
    void *y, int accumulate) {
  ptrdiff_t none[DL_MAX_RANK] = {0};
  dl_view v = dl_make_view(rank, shape, x_strides, none);
  DL_CALL(expand_to, t, &v, x, y, accumulate);
}
