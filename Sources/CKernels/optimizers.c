#include "dl_optimizers.h"

#if defined(__x86_64__)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

// Fused and unfused multiply-adds round differently; these loops wait for memory anyway.
#pragma STDC FP_CONTRACT OFF

#define T float
#define NAME(op) op##_f32
#include "optimizers_typed.h"
#undef T
#undef NAME

#define T double
#define NAME(op) op##_f64
#include "optimizers_typed.h"
#undef T
#undef NAME

CLONES void dl_sgd(dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients,
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

CLONES void dl_adam(dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients,
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
