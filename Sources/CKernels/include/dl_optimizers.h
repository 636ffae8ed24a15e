// Optimizer updates: one pass over a range of the arena, elements independent of each other.
//
// Scalars arrive in double and are cast to the element type once per call, as PyTorch does on the
// CPU. Multiply-adds are never fused, so an update has the same bits on every CPU and however the
// range is cut. The gradient is multiplied by gradient_scale on the fly and is not written.
#ifndef DL_OPTIMIZERS_H
#define DL_OPTIMIZERS_H

#include "dl_checksum.h"
#include "dl_types.h"

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

#endif
