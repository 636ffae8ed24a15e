#ifndef DL_OPTIM_H
#define DL_OPTIM_H

#include "dl_types.h"

/// A checksum of bytes in memory, to tell whether any of them has changed.
///
/// The bytes are 64-bit words, the last filled up with zeros, and go by turns to 16 lanes that start
/// at 0: row r holds words 16 r to 16 r + 15. Each row makes s = rotl(s, 23) + word of a lane, and
/// each 64th whole row s = s * K besides, with K = 0x9e3779b97f4a7c15. Then h, from 0 on, takes in
/// the lanes by h = rotl((h ^ s) * K, 31), and so the number of bytes. Every step can be undone if
/// the word is known: so a change within one word always changes the checksum, and others, such as
/// two words exchanged, all but always.
uint64_t dl_checksum(const void *bytes, size_t count);

/// The most vectors that an update takes the checksums of.
#define DL_CHECKSUM_VECTORS 4

/// The checksums of the vectors that an update reads and writes, as `dl_checksum` takes them, taken
/// while it goes over them: vectors are as long as the update's, before and after are its results.
typedef struct {
  ptrdiff_t count;
  const void **vectors;
  uint64_t *before, *after;
} dl_checksums;

// Optimizer updates: one pass over a range of the arena, elements independent of each other.
//
// Scalars arrive in double and are cast to the element type once per call, as PyTorch does on the
// CPU. Multiply-adds are never fused, so an update has the same bits on every CPU and however the
// range is cut. The gradient is multiplied by gradient_scale on the fly and is not written.

typedef struct {
  double learning_rate;
  double gradient_scale;
  double weight_decay;
  double momentum;
  double intake;  // multiplies the gradient that enters the buffer: 1 - dampening
  int nesterov;
} dl_sgd_scalars;

typedef struct {
  double gradient_scale;
  double l2;     // added to the gradient, times the parameter (Adam)
  double decay;  // multiplies the parameter first (AdamW: 1 - lr * weight decay)
  double beta1, beta2;
  double step_size;     // lr / (1 - beta1^t)
  double second_scale;  // 1 / sqrt(1 - beta2^t)
  double epsilon;
} dl_adam_scalars;

typedef struct {
  double gradient_scale;
  double l2;
  double decay;
  double beta1, beta2;
  double
      gradient_rate;  // of the gradient in the numerator: lr * (1 - mu_t) / (1 - mu_1 ... mu_t)
  double moment_rate;  // of the first moment in the numerator
  double second_scale;
  double epsilon;
} dl_nadam_scalars;

typedef struct {
  double learning_rate;
  double gradient_scale;
  double decay;
  double beta1, beta2;
} dl_lion_scalars;

typedef struct {
  double learning_rate;
  double gradient_scale;
  double weight_decay;
  double initial;  // the sum before its first step, in place of 0
  double epsilon;
} dl_adagrad_scalars;

typedef struct {
  double learning_rate;
  double gradient_scale;
  double weight_decay;
  double rho;
  double epsilon;
} dl_adadelta_scalars;

typedef struct {
  double learning_rate;
  double gradient_scale;
  double weight_decay;
  double alpha;
  double momentum;
  double epsilon;
} dl_rmsprop_scalars;

typedef struct {
  double rate;  // lr * trust ratio of the tensor
  double gradient_scale;
  double weight_decay;
  double momentum;
} dl_lars_scalars;

typedef struct {
  double gradient_scale;
  double weight_decay;
  double beta1, beta2;
  double first_scale;   // 1 / (1 - beta1^t)
  double second_scale;  // 1 / sqrt(1 - beta2^t)
  double epsilon;
} dl_lamb_scalars;

// Where there are `sums`, the checksums of its vectors are taken besides.

// momentum_buffer may be NULL where momentum is 0.
void dl_sgd(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients,
    void *momentum_buffer, const dl_sgd_scalars *scalars, const dl_checksums *sums);

// max_exp_avg_sq is NULL without AMSGrad.
void dl_adam(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients, void *exp_avg,
    void *exp_avg_sq, void *max_exp_avg_sq, const dl_adam_scalars *scalars,
    const dl_checksums *sums);

void dl_nadam(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients, void *exp_avg,
    void *exp_avg_sq, const dl_nadam_scalars *scalars, const dl_checksums *sums);

void dl_lion(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients, void *exp_avg,
    const dl_lion_scalars *scalars, const dl_checksums *sums);

void dl_adagrad(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients, void *sum,
    const dl_adagrad_scalars *scalars, const dl_checksums *sums);

void dl_adadelta(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients, void *square_avg,
    void *acc_delta, const dl_adadelta_scalars *scalars, const dl_checksums *sums);

// momentum_buffer is NULL without momentum, grad_avg where the variance is not centred.
void dl_rmsprop(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients, void *square_avg,
    void *momentum_buffer, void *grad_avg, const dl_rmsprop_scalars *scalars,
    const dl_checksums *sums);

// momentum_buffer may be NULL where momentum is 0.
void dl_lars(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients,
    void *momentum_buffer, const dl_lars_scalars *scalars);

// Updates the moments, and adds the squares of the parameters and of the steps in double:
// sums[0] = sum of p^2, sums[1] = sum of u^2.
void dl_lamb_moments(
    dl_dtype dtype, ptrdiff_t count, const void *parameters, const void *gradients,
    void *exp_avg, void *exp_avg_sq, const dl_lamb_scalars *scalars, double *sums);

// p -= rate * u, the steps u computed again from the moments.
void dl_lamb(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *exp_avg,
    const void *exp_avg_sq, const dl_lamb_scalars *scalars, double rate);

// average += weight * (x - average), in the form that is exact at its nearer end.
void dl_average(dl_dtype dtype, ptrdiff_t count, void *average, const void *x, double weight);

// x /= divisor: rounded once, where a product with the reciprocal rounds twice.
void dl_divide_by(dl_dtype dtype, ptrdiff_t count, void *x, double divisor);

/// Encoders of float32 gradients. Each leaves in x what a decoder will not see: its error.

/// x[i] += r[i]; 1 where all sums are finite, else 0.
int dl_add_finite(float *x, const float *r, size_t n);

/// y = x as bfloat16, to nearest, ties to even; finite numbers beyond its range become its largest.
void dl_bf16_encode(float *x, size_t n, uint16_t *y);

/// x = y.
void dl_bf16_decode(const uint16_t *y, size_t n, float *x);

/// y = x * scale as IEEE half, to nearest, ties to even.
///
/// scale is the power of two that brings the largest magnitude to 2^14 ..< 2^15, and 1 for zeros.
void dl_fp16_encode(float *x, size_t n, float *scale, uint16_t *y);

/// x = y / scale.
void dl_fp16_decode(float scale, const uint16_t *y, size_t n, float *x);

/// The k <= n largest magnitudes with their indices, ascending, n <= 65536; of equal ones the first.
void dl_top_k_encode(float *x, size_t n, size_t k, float *values, uint16_t *indices);

/// x = zeros but for the values at their indices; an index outside makes x[0] no number.
void dl_top_k_decode(
    const float *values, const uint16_t *indices, size_t k, size_t n, float *x);

/// A power of two for the columns of n elements that have no rows of their own: the largest whose
/// square n holds.
size_t dl_low_rank_columns(size_t n);

/// Elements of a matrix one row behind another: the first row may lack elements at its beginning,
/// and the last at its end.
typedef struct {
  size_t count, columns, start;  // start < columns: the first element's column
} dl_rows;

/// The rows that a dl_rows has elements of.
size_t dl_row_count(dl_rows shape);

/// One power iteration: x is close to left * right^T, with rank columns each, stored one behind
/// another; those of left are orthonormal or zero.
///
/// warm [rank * columns] holds the last right factor, zeros at first; columns of zeros start as
/// random numbers that seed determines.
void dl_low_rank_encode(
    float *x, dl_rows shape, size_t rank, uint64_t seed, float *warm, float *left,
    float *right);

/// x = left * right^T.
void dl_low_rank_decode(
    const float *left, const float *right, dl_rows shape, size_t rank, float *x);

#endif
