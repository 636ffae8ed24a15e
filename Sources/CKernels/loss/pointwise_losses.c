#include "dl_loss.h"

#include "template.h"

#define DL_INC "loss/pointwise_losses.inc"
#include "instantiate.h"

double dl_pointwise_loss_forward(
    dl_dtype t, dl_pointwise_loss op, double a, double b, const void *x, const void *y,
    size_t n) {
  return DL_CALL(pointwise_loss_forward, t, op, a, b, x, y, n);
}

void dl_pointwise_loss_backward(
    dl_dtype t, dl_pointwise_loss op, double a, double b, const void *x, const void *y,
    size_t n, double scale, void *dx, int accumulate) {
  DL_CALL(pointwise_loss_backward, t, op, a, b, x, y, n, scale, dx, accumulate);
}
