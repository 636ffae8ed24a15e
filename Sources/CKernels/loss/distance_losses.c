#include "dl_loss.h"

#include "template.h"

#define DL_INC "loss/distance_losses.inc"
#include "instantiate.h"

double dl_cosine_embedding_forward(
    dl_dtype t, const void *a, const void *b, const int32_t *labels, size_t rows, size_t d,
    double margin) {
  return DL_CALL(cosine_embedding_forward, t, a, b, labels, rows, d, margin);
}

void dl_cosine_embedding_backward(
    dl_dtype t, const void *a, const void *b, const int32_t *labels, size_t rows, size_t d,
    double margin, double scale, void *da, int accumulate) {
  DL_CALL(cosine_embedding_backward, t, a, b, labels, rows, d, margin, scale, da, accumulate);
}

double dl_triplet_margin_forward(
    dl_dtype t, const void *a, const void *p, const void *n, size_t rows, size_t d,
    double margin, double eps, int swap) {
  return DL_CALL(triplet_margin_forward, t, a, p, n, rows, d, margin, eps, swap);
}

void dl_triplet_margin_backward(
    dl_dtype t, const void *a, const void *p, const void *n, size_t rows, size_t d,
    double margin, double eps, int swap, int operand, double scale, void *dx, int accumulate) {
  DL_CALL(
      triplet_margin_backward, t, a, p, n, rows, d, margin, eps, swap, operand, scale, dx,
      accumulate);
}
