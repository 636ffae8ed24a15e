#include "dl_optimizers.h"
#include "template.h"

// Fused and unfused multiply-adds round differently; these loops wait for memory anyway.
#pragma STDC FP_CONTRACT OFF

#define DL_INC "optimizers.inc"
#include "instantiate.h"

DL_CLONES void dl_sgd(dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients,
                      void *momentum_buffer, const dl_sgd_scalars *scalars) {
  const dl_sgd_scalars s = *scalars;
  if (dtype == DL_F32) {
    if (s.momentum == 0) sgd_plain_f32(count, parameters, gradients, &s);
    else if (s.nesterov) sgd_momentum_f32(count, parameters, gradients, momentum_buffer, &s, 1);
    else sgd_momentum_f32(count, parameters, gradients, momentum_buffer, &s, 0);
  } else {
    if (s.momentum == 0) sgd_plain_f64(count, parameters, gradients, &s);
    else if (s.nesterov) sgd_momentum_f64(count, parameters, gradients, momentum_buffer, &s, 1);
    else sgd_momentum_f64(count, parameters, gradients, momentum_buffer, &s, 0);
  }
}

DL_CLONES void dl_adam(dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients,
                       void *exp_avg, void *exp_avg_sq, const dl_adam_scalars *scalars) {
  const dl_adam_scalars s = *scalars;
  const int near_start = 1 - s.beta1 < 0.5;
  if (dtype == DL_F32) {
    if (near_start) adam_f32(count, parameters, gradients, exp_avg, exp_avg_sq, &s, 1);
    else adam_f32(count, parameters, gradients, exp_avg, exp_avg_sq, &s, 0);
  } else {
    if (near_start) adam_f64(count, parameters, gradients, exp_avg, exp_avg_sq, &s, 1);
    else adam_f64(count, parameters, gradients, exp_avg, exp_avg_sq, &s, 0);
  }
}
