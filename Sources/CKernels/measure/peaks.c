#include "dl_measure.h"

#include <stddef.h>

#include "template.h"

// Read at run time, so that nothing is computed in advance; 1 is the fixed point of x * f + s.
static volatile float factor = 0.75f, summand = 0.25f;
static volatile float sink;

// COUNT chains of vectors of BYTES: enough of them to hide the latency of one, and as few as there
// are registers.
#define DL_FMA_RUN(NAME, BYTES, COUNT, STEP, TARGET)                                           \
  TARGET static double NAME(long rounds) {                                                     \
    typedef float vector __attribute__((vector_size(BYTES)));                                  \
    vector sums[COUNT], f = (vector){0} + factor, s = (vector){0} + summand;                   \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < COUNT; i++) sums[i] = s * (float)i; \
    for (long round = 0; round < rounds; round++) {                                            \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < COUNT; i++) sums[i] =             \
          STEP(sums[i], f, s);                                                                 \
    }                                                                                          \
    vector total = {0};                                                                        \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < COUNT; i++) total += sums[i];       \
    sink = total[0];                                                                           \
    return 2.0 * COUNT * (BYTES / sizeof(float)) * (double)rounds;                             \
  }

// Two operations where the instruction set has none for both.
#define DL_TWO(a, b, c) ((a) * (b) + (c))

#if defined(__x86_64__)
DL_FMA_RUN(run_sse2, 16, 12, DL_TWO, )
DL_FMA_RUN(run_avx2, 32, 12, __builtin_elementwise_fma, __attribute__((target("avx2,fma"))))
DL_FMA_RUN(
    run_avx512, 64, 20, __builtin_elementwise_fma,
    __attribute__((target("avx512f"), min_vector_width(512))))

static int is_there(int set) {
  __builtin_cpu_init();
  switch (set) {
    case 0: return 1;
    case 1: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case 2: return __builtin_cpu_supports("avx512f") != 0;
    default: return 0;
  }
}

const char *dl_fma_set(int index) {
  static const char *names[] = {"sse2", "avx2", "avx512f"};
  return is_there(index) ? names[index] : NULL;
}

double dl_fma_run(int index, long rounds) {
  if (!is_there(index)) return 0;
  return index == 0 ? run_sse2(rounds) : index == 1 ? run_avx2(rounds) : run_avx512(rounds);
}

#else

DL_FMA_RUN(run_default, 16, 24, DL_TWO, )

const char *dl_fma_set(int index) { return index == 0 ? "default" : NULL; }

double dl_fma_run(int index, long rounds) { return index == 0 ? run_default(rounds) : 0; }

#endif

DL_CLONES float dl_read_sum(const float *x, size_t n) {
#pragma clang fp reassociate(on)
  float sum = 0;
#pragma clang loop vectorize(enable) interleave_count(8)
  for (size_t i = 0; i < n; i++) sum += x[i];
  return sum;
}
