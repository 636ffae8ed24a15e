// The updates for one element type: included once for each by optimizers.c, which defines T and
// NAME. Always inlined, so that each CPU clone of the caller vectorises its own copy.

static inline __attribute__((always_inline)) void NAME(sgd_plain)(
    ptrdiff_t count, T *restrict p, const T *restrict g, const dl_sgd_scalars *s) {
  const T rate = (T)s->learning_rate, scale = (T)s->gradient_scale, decay = (T)s->weight_decay;
  for (ptrdiff_t i = 0; i < count; i++) {
    const T d = g[i] * scale + decay * p[i];
    p[i] -= rate * d;
  }
}

static inline __attribute__((always_inline)) void NAME(sgd_momentum)(
    ptrdiff_t count, T *restrict p, const T *restrict g, T *restrict buffer,
    const dl_sgd_scalars *s, const int nesterov) {
  const T rate = (T)s->learning_rate, scale = (T)s->gradient_scale, decay = (T)s->weight_decay;
  const T momentum = (T)s->momentum;
  for (ptrdiff_t i = 0; i < count; i++) {
    const T d = g[i] * scale + decay * p[i];
    const T b = momentum * buffer[i] + d;
    buffer[i] = b;
    p[i] -= rate * (nesterov ? d + momentum * b : b);
  }
}

// The first moment moves towards the gradient by PyTorch's lerp: the form that is exact at its
// nearer end, so that beta1 = 0 takes over the gradient without rounding.
static inline __attribute__((always_inline)) void NAME(adam)(
    ptrdiff_t count, T *restrict p, const T *restrict g, T *restrict m, T *restrict v,
    const dl_adam_scalars *s, const int near_start) {
  const T scale = (T)s->gradient_scale, l2 = (T)s->l2, decay = (T)s->decay;
  const T w1 = (T)(1 - s->beta1), b2 = (T)s->beta2, w2 = (T)(1 - s->beta2);
  const T rest = 1 - w1;
  const T step = (T)s->step_size, second = (T)s->second_scale, epsilon = (T)s->epsilon;
  for (ptrdiff_t i = 0; i < count; i++) {
    const T d = g[i] * scale + l2 * p[i];
    const T a = near_start ? m[i] + w1 * (d - m[i]) : d - (d - m[i]) * rest;
    const T q = b2 * v[i] + w2 * d * d;
    m[i] = a;
    v[i] = q;
    // Not sqrt(): its errno keeps the loop from being vectorised.
    p[i] = decay * p[i] - step * a / (__builtin_elementwise_sqrt(q) * second + epsilon);
  }
}
