#ifndef DL_REDUCTION_H
#define DL_REDUCTION_H

#include "dl_types.h"

// Over the rows of x [rows, cols]; sums and products in double, in a fixed order.

typedef enum {
  DL_ROW_MAXIMUM = 0,  // NaN where there is one; the gradient is shared among equals
  DL_ROW_MINIMUM,
  DL_ROW_PRODUCT,      // 1 of nothing
  DL_ROW_LOG_SUM_EXP,  // -inf of nothing
  DL_ROW_NORM,         // (sum |x|^alpha)^(1/alpha), max |x| where alpha is infinite
  DL_ROW_VARIANCE,     // sum (x - mean)^2 / (cols - alpha); NaN where that divides by 0 or less
  DL_ROW_DEVIATION,    // its root
} dl_row_reduction;

/// y[r] = op(x[r, :]).
void dl_reduce_rows(
    dl_dtype t, dl_row_reduction op, double alpha, const void *x, size_t rows, size_t cols,
    void *y);

/// dx[r, :] (+)= dy[r] * d op / d x[r, :].
///
/// Where a norm or a deviation is 0 its gradient is taken as 0.
void dl_reduce_rows_backward(
    dl_dtype t, dl_row_reduction op, double alpha, const void *x, const void *y, const void *dy,
    size_t rows, size_t cols, void *dx, int accumulate);

// Sums accumulate in double, in an order that depends on nothing but the lengths given.

/// The sum of x[0..<n].
double dl_sum(dl_dtype t, const void *x, size_t n);

/// The sum of a[i] * b[i].
double dl_dot(dl_dtype t, const void *a, const void *b, size_t n);

/// The sum of |x[i]|.
double dl_abs_sum(dl_dtype t, const void *x, size_t n);

/// The largest |x[i]|, 0 of nothing; NaN where any element is.
double dl_abs_max(dl_dtype t, const void *x, size_t n);

/// y[outer, inner] (+)= scale * sum over axis of x[outer, axis, inner].
void dl_sum_axes(
    dl_dtype t, const void *x, size_t outer, size_t axis, size_t inner, double scale, void *y,
    int accumulate);

/// dx[outer, axis, inner] (+)= scale * dy[outer, inner], the gradient of `dl_sum_axes`.
void dl_broadcast_axes(
    dl_dtype t, const void *dy, size_t outer, size_t axis, size_t inner, double scale, void *dx,
    int accumulate);

/// partials[k] = sum of squares of the k-th block of `block` elements (the last may be short).
///
/// There are ceil(n / block) partials. `*nonfinite` is set to 1 if any element is NaN or infinite,
/// and is left alone otherwise.
void dl_square_sum_blocks(
    dl_dtype t, const void *x, size_t n, size_t block, double *partials, int *nonfinite);

/// index[r] = the first position of the largest element of row r of x[rows, cols]; NaN is largest.
void dl_argmax_rows(dl_dtype t, const void *x, size_t rows, size_t cols, int32_t *index);

/// y[cols] (+)= sum over rows of x[rows, cols], the gradient of a bias.
void dl_column_sums(
    dl_dtype t, const void *x, size_t rows, size_t cols, void *y, int accumulate);

// Passes over the columns of a data set, to tell whether their values are what is expected.

/// What float32 numbers lie between, those that are not finite left out.
typedef struct {
  float least, greatest;       // least > greatest where none is finite
  size_t non_finite;           // how many are not finite
  ptrdiff_t first_non_finite;  // the first of them; -1: none
} dl_float_scan;

/// Scans x[0..<n].
dl_float_scan dl_scan_f32(const float *x, size_t n);

/// The two least and the two greatest different values: what integers lie between whichever single
/// value is left out. INT64_MAX and INT64_MIN where there are not so many.
typedef struct {
  int64_t least, next_least, greatest, next_greatest;
} dl_int_scan;

/// Scans x[0..<n].
dl_int_scan dl_scan_i32(const int32_t *x, size_t n);

/// The index of the first number that is not in low...high, NaN being nowhere; n where all are.
size_t dl_first_beyond_f32(const float *x, size_t n, double low, double high);

/// The index of the first number that is neither in low...high nor *except, which may be NULL; n
/// where all are.
size_t dl_first_beyond_i32(
    const int32_t *x, size_t n, int32_t low, int32_t high, const int32_t *except);

/// y[i] = map[y[i]] for y[i] in 0..<count; *except, which may be NULL, stays where it is outside.
///
/// Returns the index of the first other number, or of the first that the map has -1 for, and changes
/// nothing from there on; n where there is none.
size_t dl_map_i32(
    int32_t *y, size_t n, const int32_t *map, size_t count, const int32_t *except);

/// The index of the first row of labels [rows, width], filled up at the end with `blank`, that has a
/// label behind a blank, or needs more than `steps` time steps: one for each label, and one between
/// two equal ones. `rows` where there is none.
size_t dl_first_ctc_misfit(
    const int32_t *labels, size_t rows, size_t width, int32_t blank, size_t steps);

// Over the last axis of [rows, cols]. Outputs may be the same buffers as inputs.

/// y = exp(x - max) / sum exp(x - max).
void dl_softmax_forward(dl_dtype t, const void *x, size_t rows, size_t cols, void *y);

/// dx (+)= y * (dy - sum(dy * y)).
void dl_softmax_backward(
    dl_dtype t, const void *y, const void *dy, size_t rows, size_t cols, void *dx,
    int accumulate);

/// y = x - max - log(sum exp(x - max)).
void dl_log_softmax_forward(dl_dtype t, const void *x, size_t rows, size_t cols, void *y);

/// dx (+)= dy - exp(y) * sum(dy).
void dl_log_softmax_backward(
    dl_dtype t, const void *y, const void *dy, size_t rows, size_t cols, void *dx,
    int accumulate);

// One step of a sum over a tree. Operands below the number of sources name a source, others a
// temporary; dst < 0 is the result.
typedef enum {
  DL_SUM_2 = 0,        // a + b
  DL_SUM_3_LEFT = 1,   // (a + b) + c
  DL_SUM_3_RIGHT = 2,  // a + (b + c)
  DL_SUM_4 = 3         // (a + b) + (c + d)
} dl_sum_kind;

typedef struct {
  int32_t kind, dst, a, b, c, d;
} dl_sum_step;

enum { DL_SUM_TEMPORARIES = 32 };

// Runs the steps on elements offset ..< offset + count of every source and writes the result at
// the same place of every destination. A destination may be a source; otherwise they are disjoint.
// Without steps the first source is copied.
void dl_tree_sum(
    dl_dtype type, const dl_sum_step *steps, size_t step_count, const void *const *sources,
    size_t source_count, void *const *destinations, size_t destination_count, size_t offset,
    size_t count);

#endif
