#include "dl_optim.h"

#include "checksum.h"
#include "template.h"

// Fused and unfused multiply-adds round differently; these loops wait for memory anyway.
#pragma STDC FP_CONTRACT OFF

// A mean moves towards the gradient by PyTorch's lerp: the form that is exact at its nearer end, so
// that a rate of 0 takes over the gradient without rounding.
#define MOVE(mean, d, weight, near)                                                            \
  ((near) ? (mean) + (weight) * ((d) - (mean)) : (d) - ((d) - (mean)) * (1 - (weight)))

#define DL_INC "optim/optimizers.inc"
#include "instantiate.h"

// The flags are constants in each call, so that every variant is a loop without branches.
#define DL_UPDATE(f, ...) DL_CALL(f, dtype, count, parameters, gradients, __VA_ARGS__)

// An update with the checksums of what it reads and writes, tile by tile; in one go without them.
// AT is where a vector's tile begins.
#define DL_TILES(f, ...)                                                                       \
  do {                                                                                         \
    const ptrdiff_t width_ = dtype == DL_F32 ? 4 : 8, total_ = count * width_;                 \
    dl_checksum_lanes lanes_;                                                                  \
    if (sums) memset(&lanes_, 0, sizeof lanes_);                                               \
    for (ptrdiff_t start_ = 0, end_; start_ < total_; start_ = end_) {                         \
      end_ = sums && total_ - start_ > DL_TILE ? start_ + DL_TILE : total_;                    \
      if (sums) dl_tile_begins(sums, &lanes_, gradients, start_, end_);                        \
      DL_CALL(f, dtype, (end_ - start_) / width_, AT(parameters), AT(gradients), __VA_ARGS__); \
      if (sums) dl_tile_ends(sums, &lanes_, start_, end_);                                     \
    }                                                                                          \
    if (sums) dl_tiles_end(sums, &lanes_, total_);                                             \
  } while (0)
#define AT(vector) ((vector) ? (void *)((char *)(vector) + start_) : NULL)

// Whether the first moment is nearer to its old value than to the gradient; see MOVE.
static int near_start(double weight) { return weight < 0.5; }

DL_CLONES void dl_sgd(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients,
    void *momentum_buffer, const dl_sgd_scalars *scalars, const dl_checksums *sums) {
  const dl_sgd_scalars s = *scalars;
  if (s.momentum == 0)
    DL_TILES(sgd_plain, &s);
  else if (s.nesterov)
    DL_TILES(sgd_momentum, AT(momentum_buffer), &s, 1);
  else
    DL_TILES(sgd_momentum, AT(momentum_buffer), &s, 0);
}

DL_CLONES void dl_adam(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients, void *exp_avg,
    void *exp_avg_sq, void *max_exp_avg_sq, const dl_adam_scalars *scalars,
    const dl_checksums *sums) {
  const dl_adam_scalars s = *scalars;
  const int near = near_start(1 - s.beta1);
  if (max_exp_avg_sq) {
    if (near)
      DL_TILES(adam, AT(exp_avg), AT(exp_avg_sq), AT(max_exp_avg_sq), &s, 1, 1);
    else
      DL_TILES(adam, AT(exp_avg), AT(exp_avg_sq), AT(max_exp_avg_sq), &s, 0, 1);
  } else {
    if (near)
      DL_TILES(adam, AT(exp_avg), AT(exp_avg_sq), NULL, &s, 1, 0);
    else
      DL_TILES(adam, AT(exp_avg), AT(exp_avg_sq), NULL, &s, 0, 0);
  }
}

DL_CLONES void dl_nadam(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients, void *exp_avg,
    void *exp_avg_sq, const dl_nadam_scalars *scalars, const dl_checksums *sums) {
  const dl_nadam_scalars s = *scalars;
  if (near_start(1 - s.beta1))
    DL_TILES(nadam, AT(exp_avg), AT(exp_avg_sq), &s, 1);
  else
    DL_TILES(nadam, AT(exp_avg), AT(exp_avg_sq), &s, 0);
}

DL_CLONES void dl_lion(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients, void *exp_avg,
    const dl_lion_scalars *scalars, const dl_checksums *sums) {
  const dl_lion_scalars s = *scalars;
  DL_TILES(lion, AT(exp_avg), &s);
}

DL_CLONES void dl_adagrad(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients, void *sum,
    const dl_adagrad_scalars *scalars, const dl_checksums *sums) {
  const dl_adagrad_scalars s = *scalars;
  DL_TILES(adagrad, AT(sum), &s);
}

DL_CLONES void dl_adadelta(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients, void *square_avg,
    void *acc_delta, const dl_adadelta_scalars *scalars, const dl_checksums *sums) {
  const dl_adadelta_scalars s = *scalars;
  DL_TILES(adadelta, AT(square_avg), AT(acc_delta), &s);
}

DL_CLONES void dl_rmsprop(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients, void *square_avg,
    void *momentum_buffer, void *grad_avg, const dl_rmsprop_scalars *scalars,
    const dl_checksums *sums) {
  const dl_rmsprop_scalars s = *scalars;
  if (!grad_avg) {
    if (momentum_buffer)
      DL_TILES(rmsprop, AT(square_avg), AT(momentum_buffer), NULL, &s, 1, 0, 0);
    else
      DL_TILES(rmsprop, AT(square_avg), NULL, NULL, &s, 0, 0, 0);
  } else if (near_start(1 - s.alpha)) {
    if (momentum_buffer)
      DL_TILES(rmsprop, AT(square_avg), AT(momentum_buffer), AT(grad_avg), &s, 1, 1, 1);
    else
      DL_TILES(rmsprop, AT(square_avg), NULL, AT(grad_avg), &s, 0, 1, 1);
  } else {
    if (momentum_buffer)
      DL_TILES(rmsprop, AT(square_avg), AT(momentum_buffer), AT(grad_avg), &s, 1, 1, 0);
    else
      DL_TILES(rmsprop, AT(square_avg), NULL, AT(grad_avg), &s, 0, 1, 0);
  }
}

DL_CLONES void dl_lars(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients,
    void *momentum_buffer, const dl_lars_scalars *scalars) {
  const dl_lars_scalars s = *scalars;
  if (momentum_buffer)
    DL_UPDATE(lars, momentum_buffer, &s, 1);
  else
    DL_UPDATE(lars, NULL, &s, 0);
}

DL_CLONES void dl_lamb_moments(
    dl_dtype dtype, ptrdiff_t count, const void *parameters, const void *gradients,
    void *exp_avg, void *exp_avg_sq, const dl_lamb_scalars *scalars, double *sums) {
  const dl_lamb_scalars s = *scalars;
  if (near_start(1 - s.beta1))
    DL_UPDATE(lamb_moments, exp_avg, exp_avg_sq, &s, 1);
  else
    DL_UPDATE(lamb_moments, exp_avg, exp_avg_sq, &s, 0);
  DL_CALL(lamb_sums, dtype, count, parameters, exp_avg, exp_avg_sq, &s, sums);
}

DL_CLONES void dl_lamb(
    dl_dtype dtype, ptrdiff_t count, void *parameters, const void *exp_avg,
    const void *exp_avg_sq, const dl_lamb_scalars *scalars, double rate) {
  const dl_lamb_scalars s = *scalars;
  DL_CALL(lamb, dtype, count, parameters, exp_avg, exp_avg_sq, &s, rate);
}

DL_CLONES void dl_average(
    dl_dtype dtype, ptrdiff_t count, void *average, const void *x, double weight) {
  if (near_start(weight))
    DL_CALL(average, dtype, count, average, x, weight, 1);
  else
    DL_CALL(average, dtype, count, average, x, weight, 0);
}

DL_CLONES void dl_divide_by(dl_dtype dtype, ptrdiff_t count, void *x, double divisor) {
  DL_CALL(divide_by, dtype, count, x, divisor);
}
