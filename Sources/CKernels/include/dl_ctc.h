#ifndef DL_CTC_H
#define DL_CTC_H

#include "dl_types.h"

/// The shapes and labels of connectionist temporal classification (Graves et al. 2006).
///
/// Lengths are within `steps` and `width`, or NULL: every row is full.
typedef struct {
  size_t rows, steps, classes, width;  // width: labels a row has room for
  const int32_t *targets;              // [rows, width]
  const int32_t *input_lengths, *target_lengths;
  int32_t blank;
} dl_ctc_problem;

/// losses[r] = -log of the probability of row r's labels, infinite where they do not fit.
///
/// x [rows, steps, classes] holds log probabilities; alpha [rows, steps, 2 width + 1] keeps the log
/// probabilities of the prefixes. Returns -1, or the index of a label that is not a class or is the
/// blank.
ptrdiff_t dl_ctc_forward(
    dl_dtype t, dl_ctc_problem problem, const void *x, double *alpha, double *losses);

/// dx (+)= scale (exp(x) - occupancy) up to each row's input length, 0 after it.
///
/// It is the gradient by the inputs of a log-softmax that x is the result of. Rows of infinite loss
/// get 0 if `zero_infinity`, NaN otherwise. scratch: 2 (2 width + 1) + classes.
void dl_ctc_backward(
    dl_dtype t, dl_ctc_problem problem, const void *x, const double *alpha,
    const double *losses, double scale, int zero_infinity, void *dx, int accumulate,
    double *scratch);

#endif
