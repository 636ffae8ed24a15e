#include "dl_measure.h"

#include <stddef.h>

#include "dl_cpu.h"
#include "gemm/tiles.h"
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

// The same of pairs of bfloat16, whose products are added to float32: as the kernels do, where they may.
__attribute__((target("avx512f,avx512bf16"), min_vector_width(512))) static double run_pairs(
    long rounds) {
  enum { COUNT = 20 };
  const __m512bh pairs = (__m512bh)_mm512_set1_epi32(0x3e803f00);  // 0.25 and 0.5
  __m512 sums[COUNT];
  _Pragma("clang loop unroll(full)") for (int i = 0; i < COUNT; i++) {
    sums[i] = _mm512_set1_ps(factor);
  }
  for (long round = 0; round < rounds; round++) {
    _Pragma("clang loop unroll(full)") for (int i = 0; i < COUNT; i++) {
      sums[i] = _mm512_dpbf16_ps(sums[i], pairs, pairs);
    }
  }
  __m512 total = _mm512_setzero_ps();
  _Pragma("clang loop unroll(full)") for (int i = 0; i < COUNT; i++) total += sums[i];
  sink = total[0];
  return 4.0 * COUNT * 16 * (double)rounds;
}

// And of tiles of 16 x 32 by 32 x 16.
__attribute__((target("amx-tile,amx-bf16"))) static double run_tiles(long rounds) {
  _tile_loadconfig(&dl_tiles_16_by_64);
  for (long round = 0; round < rounds; round++) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
  return 2.0 * 4 * DL_TILE_ROWS * 16 * DL_TILE_TERMS * (double)rounds;
}

static int is_there(int set) {
  __builtin_cpu_init();
  switch (set) {
    case 0: return 1;
    case 1: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case 2: return __builtin_cpu_supports("avx512f") != 0;
    case 3:
      return is_there(2) && dl_cpu_probe().avx512_bf16 &&
             dl_cpu_bfloat16() != DL_BFLOAT16_WIDENED;
    case 4: return is_there(3) && dl_cpu_bfloat16() == DL_BFLOAT16_TILES;
    default: return 0;
  }
}

const char *dl_fma_set(int index) {
  static const char *names[] = {"sse2", "avx2", "avx512f", "avx512_bf16", "amx_bf16"};
  return is_there(index) ? names[index] : NULL;
}

int dl_fma_is_bfloat16(int index) { return index >= 3; }

double dl_fma_run(int index, long rounds) {
  typedef double (*run)(long);
  static const run runs[] = {run_sse2, run_avx2, run_avx512, run_pairs, run_tiles};
  return is_there(index) ? runs[index](rounds) : 0;
}

#else

DL_FMA_RUN(run_default, 16, 24, DL_TWO, )

const char *dl_fma_set(int index) { return index == 0 ? "default" : NULL; }

int dl_fma_is_bfloat16(int index) { return index < 0; }

double dl_fma_run(int index, long rounds) { return index == 0 ? run_default(rounds) : 0; }

#endif

DL_CLONES float dl_read_sum(const float *x, size_t n) {
#pragma clang fp reassociate(on)
  float sum = 0;
#pragma clang loop vectorize(enable) interleave_count(8)
  for (size_t i = 0; i < n; i++) sum += x[i];
  return sum;
}
