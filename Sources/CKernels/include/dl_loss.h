#ifndef DL_LOSS_H
#define DL_LOSS_H

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

/// Losses of one prediction x against one target y, with constants a and b.
typedef enum {
  DL_LOSS_L1 = 0,  // |x - y|
  DL_LOSS_HUBER,   // |x - y| <= a ? (x - y)^2 / 2 : a (|x - y| - a / 2)
  DL_LOSS_BCE,     // -(y log x + (1 - y) log(1 - x)), logarithms of -100 at least
  DL_LOSS_KL,      // y (log y - x), 0 where y is 0
  DL_LOSS_KL_LOG,  // exp(y) (y - x)
  DL_LOSS_FOCAL,  // a_t (1 - p_t)^b times the cross-entropy of sigmoid(x); a < 0 leaves a_t out
} dl_pointwise_loss;

/// The sum of the losses.
double dl_pointwise_loss_forward(
    dl_dtype t, dl_pointwise_loss op, double a, double b, const void *x, const void *y,
    size_t n);

/// dx (+)= scale * d loss / dx.
void dl_pointwise_loss_backward(
    dl_dtype t, dl_pointwise_loss op, double a, double b, const void *x, const void *y,
    size_t n, double scale, void *dx, int accumulate);

/// The sum over [rows, classes] of -weights[c] (positive[c] y log p + (1 - y) log(1 - p)) with
/// p = sigmoid(x). weights and positive may be NULL (1).
double dl_class_bce_forward(
    dl_dtype t, const void *x, const void *y, size_t rows, size_t classes,
    const double *weights, const double *positive);

/// dx (+)= scale * d loss / dx of `dl_class_bce_forward`.
void dl_class_bce_backward(
    dl_dtype t, const void *x, const void *y, size_t rows, size_t classes,
    const double *weights, const double *positive, double scale, void *dx, int accumulate);

/// Sets *sum to the sum over rows and classes of -weights[c] q[c] log softmax(logits)[c], with
/// q = (1 - smoothing) target + smoothing / classes.
///
/// The target is onehot(labels[r]), or where `labels` is NULL the row of `targets` [rows, classes]
/// of type t. Returns as `dl_cross_entropy_forward` does; weights may be NULL (1).
ptrdiff_t dl_class_cross_entropy_forward(
    dl_dtype t, const void *logits, const int32_t *labels, const void *targets, size_t rows,
    size_t classes, int32_t ignore_label, const double *weights, double smoothing, double *sum,
    void *probabilities);

/// dlogits (+)= scale * d loss / d logits of `dl_class_cross_entropy_forward`.
void dl_class_cross_entropy_backward(
    dl_dtype t, const void *probabilities, const int32_t *labels, const void *targets,
    size_t rows, size_t classes, int32_t ignore_label, const double *weights, double smoothing,
    double scale, void *dlogits, int accumulate);

/// Sets *sum to the sum over rows of -weights[label] x[label]; returns as
/// `dl_cross_entropy_forward` does.
ptrdiff_t dl_nll_forward(
    dl_dtype t, const void *x, const int32_t *labels, size_t rows, size_t classes,
    int32_t ignore_label, const double *weights, double *sum);

/// dx (+)= -scale * weights[label] at the label, zero elsewhere.
void dl_nll_backward(
    dl_dtype t, const int32_t *labels, size_t rows, size_t classes, int32_t ignore_label,
    const double *weights, double scale, void *dx, int accumulate);

/// The sum over rows of 1 - cos(a, b) where the label is 1, max(cos(a, b) - margin, 0) where it is
/// -1, else 0; a and b are [rows, d].
double dl_cosine_embedding_forward(
    dl_dtype t, const void *a, const void *b, const int32_t *labels, size_t rows, size_t d,
    double margin);

/// da (+)= scale * d loss / da; with a and b exchanged, the gradient of b.
void dl_cosine_embedding_backward(
    dl_dtype t, const void *a, const void *b, const int32_t *labels, size_t rows, size_t d,
    double margin, double scale, void *da, int accumulate);

/// The sum over rows of max(margin + |a - p + eps| - |a - n + eps|, 0); with `swap` the second
/// distance is the smaller one of that and |p - n + eps|.
double dl_triplet_margin_forward(
    dl_dtype t, const void *a, const void *p, const void *n, size_t rows, size_t d,
    double margin, double eps, int swap);

/// The gradient of operand 0 (a), 1 (p) or 2 (n): dx (+)= scale * d loss / d operand.
void dl_triplet_margin_backward(
    dl_dtype t, const void *a, const void *p, const void *n, size_t rows, size_t d,
    double margin, double eps, int swap, int operand, double scale, void *dx, int accumulate);

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

/// The shapes and potentials of a linear-chain conditional random field (Lafferty et al. 2001).
///
/// A path of tags scores start[y_0] + sum x[t][y_t] + sum transitions[y_t-1][y_t] + end[y_last].
/// `potentials` [tags + 2, tags] are the transitions from row to column, then start and end. Lengths
/// are within `steps`, or NULL: every row is full. A label that is `ignored` may be any tag.
typedef struct {
  size_t rows, steps, tags;
  const double *potentials;
  const int32_t *lengths;
  int32_t ignored;
} dl_crf_problem;

/// *loss = the sum over rows of -log of the share of exp(score) that paths through the labels
/// have; labels [rows, steps], x [rows, steps, tags].
///
/// dx and dpotentials, both or none, become its gradients. Returns -1, or the index of a label that
/// is not a tag. scratch: (steps + 3) tags.
ptrdiff_t dl_crf_loss(
    dl_crf_problem problem, const int32_t *labels, const double *x, double *loss, double *dx,
    double *dpotentials, double *scratch);

/// What the largest number at each step stands for.
typedef enum {
  DL_CRF_BEST =
      0,  // the tag of the best path; numbers are scores of the best paths through them
  DL_CRF_MARGINALS,  // the likeliest tag; numbers are logarithms of probabilities
  DL_CRF_GREEDY,     // the best tag behind the one chosen before
} dl_crf_decoding;

/// y [rows, steps, tags] by a decoding; behind a row's length y is x. scratch: 3 tags.
void dl_crf_decode(
    dl_crf_problem problem, dl_crf_decoding decoding, const double *x, double *y,
    double *scratch);

#endif
