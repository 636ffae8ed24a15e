#ifndef DL_LOSSES_H
#define DL_LOSSES_H

#include "dl_types.h"

/// Sets *sum to the sum over rows of -log softmax(logits)[label]; logits [rows, classes].
///
/// Returns -1, or the first row whose label is neither in 0 ..< classes nor `ignore_label`; then the
/// outputs are not meaningful. Ignored rows add nothing (pass a label that cannot occur, such as -1
/// or -100). `probabilities` [rows, classes], `row_losses` [rows] of type t, `correct` (rows whose
/// first largest logit is the label) and `counted` (rows not ignored) may be NULL.
ptrdiff_t dl_cross_entropy_forward(
  dl_dtype t, const void *logits, const int32_t *labels, size_t rows, size_t classes,
  int32_t ignore_label, double *sum, void *probabilities, void *row_losses, size_t *correct,
  size_t *counted);

/// dlogits (+)= scale * (p - onehot(label)), zero in ignored rows. dlogits may be p.
void dl_cross_entropy_backward(
  dl_dtype t, const void *probabilities, const int32_t *labels, size_t rows, size_t classes,
  int32_t ignore_label, double scale, void *dlogits, int accumulate);

/// The sum of (x - y)^2.
double dl_mse_forward(dl_dtype t, const void *x, const void *y, size_t n);

/// dx (+)= scale * 2 (x - y). The gradient by y is that with -scale.
void dl_mse_backward(
  dl_dtype t, const void *x, const void *y, size_t n, double scale, void *dx, int accumulate);

/// The sum of max(x, 0) - x y + log(1 + exp(-|x|)), the cross-entropy of sigmoid(x) to y in [0, 1].
double dl_bce_with_logits_forward(dl_dtype t, const void *x, const void *y, size_t n);

/// dx (+)= scale * (sigmoid(x) - y).
void dl_bce_with_logits_backward(
  dl_dtype t, const void *x, const void *y, size_t n, double scale, void *dx, int accumulate);

#endif
