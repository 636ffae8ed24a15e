#include "dl_loss.h"

#include "template.h"

// One row: its labels with a blank before, between and after them are 2 labels + 1 states.
typedef struct {
  const int32_t *targets;
  size_t steps, labels, states;
  int32_t blank;
} ctc_row;

DL_INLINE ctc_row ctc_row_of(const dl_ctc_problem *p, size_t r) {
  size_t steps = p->input_lengths ? (size_t)p->input_lengths[r] : p->steps;
  size_t labels = p->target_lengths ? (size_t)p->target_lengths[r] : p->width;
  return (ctc_row){p->targets + r * p->width, steps, labels, 2 * labels + 1, p->blank};
}

DL_INLINE size_t ctc_class(const ctc_row *row, size_t state) {
  return (size_t)(state % 2 ? row->targets[state / 2] : row->blank);
}

// Whether a path may go from state - 2 to state: past the blank between two different labels.
DL_INLINE int ctc_skips(const ctc_row *row, size_t state) {
  return state >= 2 && state < row->states && state % 2 &&
         row->targets[state / 2] != row->targets[state / 2 - 1];
}

// log(exp(a) + exp(b) + exp(c)).
DL_INLINE double ctc_add(double a, double b, double c) {
  double most = a > b ? a : b;
  if (c > most) most = c;
  if (most == -INFINITY) return a + b + c;  // NaN if one is
  return most + dl_log_f64(dl_exp_f64(a - most) + dl_exp_f64(b - most) + dl_exp_f64(c - most));
}

#define DL_INC "loss/ctc.inc"
#include "instantiate.h"

ptrdiff_t dl_ctc_forward(
    dl_dtype t, dl_ctc_problem p, const void *x, double *alpha, double *losses) {
  for (size_t r = 0; r < p.rows; r++) {
    ctc_row row = ctc_row_of(&p, r);
    for (size_t i = 0; i < row.labels; i++) {
      int32_t label = row.targets[i];
      if (label < 0 || (size_t)label >= p.classes || label == p.blank) {
        return (ptrdiff_t)(r * p.width + i);
      }
    }
  }
  DL_CALL(ctc_forward, t, &p, x, alpha, losses);
  return -1;
}

void dl_ctc_backward(
    dl_dtype t, dl_ctc_problem p, const void *x, const double *alpha, const double *losses,
    double scale, int zero_infinity, void *dx, int accumulate, double *scratch) {
  DL_CALL(ctc_backward, t, &p, x, alpha, losses, scale, zero_infinity, dx, accumulate, scratch);
}
