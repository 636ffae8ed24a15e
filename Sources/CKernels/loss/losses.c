#include "dl_loss.h"

#include "template.h"

#define DL_INC "loss/losses.inc"
#include "instantiate.h"

ptrdiff_t dl_cross_entropy_forward(
    dl_dtype t, const void *logits, const int32_t *labels, size_t rows, size_t classes,
    int32_t ignore_label, double *sum, void *probabilities, void *row_losses, size_t *correct,
    size_t *counted) {
  return DL_CALL(
      cross_entropy_forward, t, logits, labels, rows, classes, ignore_label, sum, probabilities,
      row_losses, correct, counted);
}

void dl_cross_entropy_backward(
    dl_dtype t, const void *probabilities, const int32_t *labels, size_t rows, size_t classes,
    int32_t ignore_label, double scale, void *dlogits, int accumulate) {
  DL_CALL(
      cross_entropy_backward, t, probabilities, labels, rows, classes, ignore_label, scale,
      dlogits, accumulate);
}

double dl_mse_forward(dl_dtype t, const void *x, const void *y, size_t n) {
  return DL_CALL(mse_forward, t, x, y, n);
}

void dl_mse_backward(
    dl_dtype t, const void *x, const void *y, size_t n, double scale, void *dx,
    int accumulate) {
  DL_CALL(mse_backward, t, x, y, n, 2 * scale, dx, accumulate);
}

double dl_bce_with_logits_forward(dl_dtype t, const void *x, const void *y, size_t n) {
  return DL_CALL(bce_forward, t, x, y, n);
}

void dl_bce_with_logits_backward(
    dl_dtype t, const void *x, const void *y, size_t n, double scale, void *dx,
    int accumulate) {
  DL_CALL(bce_backward, t, x, y, n, scale, dx, accumulate);
}
