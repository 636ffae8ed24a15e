// Optimizer updates: one pass over a range of the arena, elements independent of each other.
//
// Scalars arrive in double and are cast to the element type once per call, as PyTorch does on the
// CPU. Multiply-adds are never fused, so an update has the same bits on every CPU and however the
// range is cut. The gradient is multiplied by gradient_scale on the fly and is not written.
#ifndef DL_OPTIMIZERS_H
#define DL_OPTIMIZERS_H

#include "dl_types.h"

typedef struct {
  double learning_rate;
  double gradient_scale;
  double weight_decay;
  double momentum;
  int nesterov;
} dl_sgd_scalars;

typedef struct {
  double gradient_scale;
  double l2;               // added to the gradient, times the parameter (Adam)
  double decay;            // multiplies the parameter first (AdamW: 1 - lr * weight decay)
  double beta1, beta2;
  double step_size;        // lr / (1 - beta1^t)
  double second_scale;     // 1 / sqrt(1 - beta2^t)
  double epsilon;
} dl_adam_scalars;

// momentum_buffer may be NULL where momentum is 0.
void dl_sgd(dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients,
            void *momentum_buffer, const dl_sgd_scalars *scalars);

void dl_adam(dl_dtype dtype, ptrdiff_t count, void *parameters, const void *gradients,
             void *exp_avg, void *exp_avg_sq, const dl_adam_scalars *scalars);

#endif
