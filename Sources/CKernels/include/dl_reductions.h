#ifndef DL_REDUCTIONS_H
#define DL_REDUCTIONS_H

#include "dl_types.h"

// Over the rows of x [rows, cols]; sums and products in double, in a fixed order.

typedef enum {
  DL_ROW_MAXIMUM = 0,  // NaN where there is one; the gradient is shared among equals
  DL_ROW_MINIMUM,
  DL_ROW_PRODUCT,      // 1 of nothing
  DL_ROW_LOG_SUM_EXP,  // -inf of nothing
  DL_ROW_NORM,         // (sum |x|^alpha)^(1/alpha), max |x| where alpha is infinite
  DL_ROW_VARIANCE,     // sum (x - mean)^2 / (cols - alpha); NaN where that divides by 0 or less
  DL_ROW_DEVIATION,    // its root
} dl_row_reduction;

/// y[r] = op(x[r, :]).
void dl_reduce_rows(
    dl_dtype t, dl_row_reduction op, double alpha, const void *x, size_t rows, size_t cols,
    void *y);

/// dx[r, :] (+)= dy[r] * d op / d x[r, :].
///
/// Where a norm or a deviation is 0 its gradient is taken as 0.
void dl_reduce_rows_backward(
    dl_dtype t, dl_row_reduction op, double alpha, const void *x, const void *y, const void *dy,
    size_t rows, size_t cols, void *dx, int accumulate);

#endif
