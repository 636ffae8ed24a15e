#ifndef DL_LAYOUT_H
#define DL_LAYOUT_H

#include "dl_types.h"

/// y [cols, rows] (+)= the transpose of x [rows, cols]; y must not overlap x.
void dl_transpose(dl_dtype t, const void *x, size_t rows, size_t cols, void *y, int accumulate);

/// y (+)= x with dimension i of y being dimension axes[i] of x; rank at most 8, y not over x.
///
/// The gradient is the permutation by the inverse axes.
void dl_permute(
    dl_dtype t, size_t rank, const size_t *shape, const size_t *axes, const void *x, void *y,
    int accumulate);

/// y[i] = x[i], converted; equal types copy.
void dl_cast(dl_dtype from, const void *x, dl_dtype to, void *y, size_t n);

#endif
