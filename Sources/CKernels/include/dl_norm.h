#ifndef DL_NORM_H
#define DL_NORM_H

#include "dl_types.h"

// Batch normalization over x [rows, channels] (rows = n * h * w of NHWC images), in the pieces
// between which a synchronized one talks to other ranks.

/// mean[c] and m2[c] = sum over rows of (x - mean)^2, in double. Zero rows give zeros.
void dl_batch_norm_moments(
    dl_dtype t, const void *x, size_t rows, size_t channels, double *mean, double *m2);

/// y = (x - mean) * invstd * gamma + beta, then ReLU if `relu`; y may be x.
///
/// mean and invstd are double [channels]; gamma and beta are of type t and may be NULL (1 and 0).
/// `residual` [rows, channels] or NULL is added before the ReLU.
void dl_batch_norm_normalize(
    dl_dtype t, const void *x, size_t rows, size_t channels, const double *mean,
    const double *invstd, const void *gamma, const void *beta, const void *residual, int relu,
    void *y);

/// sum_dy[c] and sum_dy_xhat[c] over the rows held here, xhat = (x - mean) * invstd.
///
/// They are also the gradients of beta and gamma. y is NULL, or the result of a ReLU behind the
/// normalization: then dy becomes the gradient before the ReLU, which the sums are of.
void dl_batch_norm_backward_sums(
    dl_dtype t, const void *x, void *dy, const void *y, size_t rows, size_t channels,
    const double *mean, const double *invstd, double *sum_dy, double *sum_dy_xhat);

/// dx (+)= gamma * invstd * (dy - (sum_dy + xhat * sum_dy_xhat) / n_global); dx may be dy.
///
/// The sums are those over all ranks, n_global the number of rows over all ranks. With n_global = 0
/// the statistics are constants (evaluation): dx (+)= gamma * invstd * dy.
void dl_batch_norm_backward_input(
    dl_dtype t, const void *x, const void *dy, size_t rows, size_t channels, const double *mean,
    const double *invstd, const void *gamma, const double *sum_dy, const double *sum_dy_xhat,
    double n_global, void *dx, int accumulate);

/// y = (x - mean) * rstd * gamma + beta per row of [rows, d]; saves mean and rstd [rows], type t.
///
/// rstd = 1 / sqrt(var + eps) with the biased variance. gamma, beta may be NULL; y may be x.
void dl_layer_norm_forward(
    dl_dtype t, const void *x, size_t rows, size_t d, const void *gamma, const void *beta,
    double eps, void *y, void *mean, void *rstd);

/// The gradients of `dl_layer_norm_forward`; dx, dgamma, dbeta may each be NULL.
///
/// `accumulate` holds for all three. dx may be dy. scratch: 2 * d doubles.
void dl_layer_norm_backward(
    dl_dtype t, const void *x, const void *dy, size_t rows, size_t d, const void *gamma,
    const void *mean, const void *rstd, void *dx, void *dgamma, void *dbeta, int accumulate,
    double *scratch);

/// y = (x - mean) * rstd * gamma + beta over x [batch, area, channels], the statistics of each
/// sample and group of neighboring channels; saves mean and rstd, double [batch, groups].
///
/// rstd = 1 / sqrt(var + eps) with the biased variance; groups divides channels. gamma and beta
/// [channels] may be NULL; y may be x. scratch: 2 * channels doubles.
void dl_group_norm_forward(
    dl_dtype t, const void *x, size_t batch, size_t area, size_t channels, size_t groups,
    const void *gamma, const void *beta, double eps, void *y, double *mean, double *rstd,
    double *scratch);

/// The gradients of `dl_group_norm_forward`; dx, dgamma, dbeta may each be NULL.
///
/// `accumulate` holds for all three. dx may be dy. scratch: 6 * channels doubles.
void dl_group_norm_backward(
    dl_dtype t, const void *x, const void *dy, size_t batch, size_t area, size_t channels,
    size_t groups, const void *gamma, const double *mean, const double *rstd, void *dx,
    void *dgamma, void *dbeta, int accumulate, double *scratch);

/// y = x * scale * gamma per row of [rows, d], scale = 1 / sqrt(mean(x^2) + eps), saved in double.
///
/// gamma may be NULL; y may be x.
void dl_rms_norm_forward(
    dl_dtype t, const void *x, size_t rows, size_t d, const void *gamma, double eps, void *y,
    double *scale);

/// The gradients of `dl_rms_norm_forward`; dx and dgamma may each be NULL. scratch: d doubles.
void dl_rms_norm_backward(
    dl_dtype t, const void *x, const void *dy, size_t rows, size_t d, const void *gamma,
    const double *scale, void *dx, void *dgamma, int accumulate, double *scratch);

#endif
