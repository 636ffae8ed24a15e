#include "dl_loss.h"

#include "template.h"

#define DL_INC "loss/class_losses.inc"
#include "instantiate.h"

double dl_class_bce_forward(
    dl_dtype t, const void *x, const void *y, size_t rows, size_t classes,
    const double *weights, const double *positive) {
  return DL_CALL(class_bce_forward, t, x, y, rows, classes, weights, positive);
}

void dl_class_bce_backward(
    dl_dtype t, const void *x, const void *y, size_t rows, size_t classes,
    const double *weights, const double *positive, double scale, void *dx, int accumulate) {
  DL_CALL(class_bce_backward, t, x, y, rows, classes, weights, positive, scale, dx, accumulate);
}

ptrdiff_t dl_class_cross_entropy_forward(
    dl_dtype t, const void *logits, const int32_t *labels, const void *targets, size_t rows,
    size_t classes, int32_t ignore_label, const double *weights, double smoothing, double *sum,
    void *probabilities) {
  return DL_CALL(
      class_cross_entropy_forward, t, logits, labels, targets, rows, classes, ignore_label,
      weights, smoothing, sum, probabilities);
}

void dl_class_cross_entropy_backward(
    dl_dtype t, const void *probabilities, const int32_t *labels, const void *targets,
    size_t rows, size_t classes, int32_t ignore_label, const double *weights, double smoothing,
    double scale, void *dlogits, int accumulate) {
  DL_CALL(
      class_cross_entropy_backward, t, probabilities, labels, targets, rows, classes,
      ignore_label, weights, smoothing, scale, dlogits, accumulate);
}

ptrdiff_t dl_nll_forward(
    dl_dtype t, const void *x, const int32_t *labels, size_t rows, size_t classes,
    int32_t ignore_label, const double *weights, double *sum) {
  return DL_CALL(nll_forward, t, x, labels, rows, classes, ignore_label, weights, sum);
}

void dl_nll_backward(
    dl_dtype t, const int32_t *labels, size_t rows, size_t classes, int32_t ignore_label,
    const double *weights, double scale, void *dx, int accumulate) {
  DL_CALL(nll_backward, t, labels, rows, classes, ignore_label, weights, scale, dx, accumulate);
}
