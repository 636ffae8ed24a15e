#include "dl_elementwise.h"

#include "template.h"

#define DL_INC "elementwise/activations.inc"
#include "instantiate.h"

void dl_softplus_forward(
    dl_dtype t, double beta, double threshold, const void *x, void *y, size_t n) {
  DL_CALL(softplus_forward, t, beta, threshold, x, y, n);
}

void dl_softplus_backward(
    dl_dtype t, double beta, double threshold, const void *x, const void *dy, void *dx,
    size_t n, int accumulate) {
  DL_CALL(softplus_backward, t, beta, threshold, x, dy, dx, n, accumulate);
}

void dl_prelu_forward(
    dl_dtype t, const void *x, const void *weight, size_t rows, size_t channels, void *y) {
  DL_CALL(prelu_forward, t, x, weight, rows, channels, y);
}

void dl_prelu_backward_input(
    dl_dtype t, const void *x, const void *weight, const void *dy, size_t rows, size_t channels,
    void *dx, int accumulate) {
  DL_CALL(prelu_backward_input, t, x, weight, dy, rows, channels, dx, accumulate);
}

void dl_prelu_backward_weight(
    dl_dtype t, const void *x, const void *dy, size_t rows, size_t channels, double *sums) {
  DL_CALL(prelu_backward_weight, t, x, dy, rows, channels, sums);
}

void dl_maxout_forward(dl_dtype t, const void *x, size_t pieces, void *y, size_t n) {
  DL_CALL(maxout_forward, t, x, pieces, y, n);
}

void dl_maxout_backward(
    dl_dtype t, const void *x, const void *dy, size_t pieces, void *dx, size_t n,
    int accumulate) {
  DL_CALL(maxout_backward, t, x, dy, pieces, dx, n, accumulate);
}
