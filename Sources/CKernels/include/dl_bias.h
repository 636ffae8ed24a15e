#ifndef DL_BIAS_H
#define DL_BIAS_H

#include "dl_elementwise.h"
#include "dl_types.h"

/// y[r, c] = op(x[r, c] + bias[c]) over [rows, cols]; y may be x. bias may be NULL.
///
/// The gradient of the bias is `dl_column_sums`, that of op is `dl_unary_backward`.
void dl_bias_forward(
    dl_dtype t, dl_unary op, double alpha, const void *x, const void *bias, size_t rows,
    size_t cols, void *y);

#endif
