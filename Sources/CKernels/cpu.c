#include "dl_cpu.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

// The brand string without its leading blanks.
static void read_name(char *name, size_t size) {
  unsigned words[12] = {0}, max = 0, b, c, d;
  if (!__get_cpuid(0x80000000u, &max, &b, &c, &d) || max < 0x80000004u) return;
  for (unsigned i = 0; i < 3; i++) {
    unsigned *w = words + 4 * i;
    __get_cpuid(0x80000002u + i, &w[0], &w[1], &w[2], &w[3]);
  }
  char text[sizeof words + 1] = {0};
  memcpy(text, words, sizeof words);
  const char *begin = text + strspn(text, " ");
  strncpy(name, begin, size - 1);
}

dl_cpu_features dl_cpu_probe(void) {
  dl_cpu_features f = {0};
  unsigned a, b, c, d;
  __builtin_cpu_init();
  f.avx2 = __builtin_cpu_supports("avx2") != 0;
  f.fma = __builtin_cpu_supports("fma") != 0;
  f.avx512f = __builtin_cpu_supports("avx512f") != 0;
  if (f.avx512f && __get_cpuid_count(7, 1, &a, &b, &c, &d)) f.avx512_bf16 = (a >> 5) & 1;
  // Tiles also need their state enabled by the system: XCR0 bits 17 and 18.
  if (__get_cpuid(1, &a, &b, &c, &d) && (c >> 27 & 1)) {
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 0x60000) == 0x60000 && __get_cpuid_count(7, 0, &a, &b, &c, &d)) {
      f.amx_bf16 = (d >> 22) & 1;
    }
  }
  read_name(f.name, sizeof f.name);
  return f;
}

#else

dl_cpu_features dl_cpu_probe(void) {
  dl_cpu_features f = {0};
  return f;
}

#endif

// The highest version that this CPU can run.
static dl_cpu_level_t highest_level(void) {
#if DL_X86_LEVELS
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return DL_CPU_AVX512;
  if (__builtin_cpu_supports("x86-64-v3")) return DL_CPU_AVX2;
#endif
  return DL_CPU_PORTABLE;
}

// Whether tiles may be used, whose kernels round by AVX512_BF16. The system gives their state to processes that ask for it: once is enough.
static int tiles_allowed(void) {
#if DL_X86_LEVELS
  const long request = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  const dl_cpu_features f = dl_cpu_probe();
  return f.amx_bf16 && f.avx512_bf16 && syscall(SYS_arch_prctl, request, tile_data) == 0;
#else
  return 0;
#endif
}

// Whether VDPBF16PS adds as Intel's manual has it and gemm/bfloat16.h needs it: the high halves' product
// first, each sum rounded.
#if DL_X86_LEVELS
__attribute__((target("arch=x86-64-v4,avx512bf16"))) static int pairs_add_in_order(void) {
  // 1 + 2^-24 + 2^-24, which is 1 by single roundings, and 2^24 + 1 - 2^24, which is 0.
  const uint32_t a[16] = {0x39803980u, 0x3f804b80u}, b[16] = {0x39803980u, 0x3f80bf80u};
  float sums[16] = {1, 16777216};
  const __m512 result = _mm512_dpbf16_ps(
      _mm512_loadu_ps(sums), (__m512bh)_mm512_loadu_si512(a), (__m512bh)_mm512_loadu_si512(b));
  _mm512_storeu_ps(sums, result);
  return sums[0] == 1 && sums[1] == 0;
}
#else
static int pairs_add_in_order(void) { return 0; }
#endif

// What products of bfloat16 may use at a level, of what the CPU has.
static dl_cpu_bfloat16_t bfloat16_at(dl_cpu_level_t level) {
  if (highest_level() < DL_CPU_AVX512) return DL_BFLOAT16_WIDENED;
  if (level >= DL_CPU_AMX && tiles_allowed()) return DL_BFLOAT16_TILES;
  if (level >= DL_CPU_AVX512_BF16 && dl_cpu_probe().avx512_bf16 && pairs_add_in_order()) {
    return DL_BFLOAT16_PAIRS;
  }
  return DL_BFLOAT16_WIDENED;
}

// One more than the level in use; 0 until it is asked for.
static atomic_int level_in_use;
static atomic_int bfloat16_in_use;

dl_cpu_level_t dl_cpu_use(dl_cpu_level_t level) {
  const dl_cpu_level_t highest = highest_level();
  const dl_cpu_bfloat16_t products = bfloat16_at(level);
  if (level > highest) level = highest;
  atomic_store_explicit(&bfloat16_in_use, (int)products, memory_order_relaxed);
  atomic_store_explicit(&level_in_use, (int)level + 1, memory_order_release);
  if (products == DL_BFLOAT16_TILES) return DL_CPU_AMX;
  return products == DL_BFLOAT16_PAIRS ? DL_CPU_AVX512_BF16 : level;
}

void dl_cpu_use_twin(void) {
  atomic_store_explicit(&bfloat16_in_use, DL_BFLOAT16_TWIN, memory_order_relaxed);
}

static const char *const names[] = {"portable", "avx2", "avx512", "avx512_bf16", "amx"};
enum { NAMES = sizeof names / sizeof *names };

const char *dl_kernel_set(void) { return names[dl_cpu_level()]; }

dl_cpu_level_t dl_cpu_level(void) {
  int level = atomic_load_explicit(&level_in_use, memory_order_acquire);
  if (level) return (dl_cpu_level_t)(level - 1);
  const char *wanted = getenv("DLTRAIN_CPU");
  for (int i = 0; wanted && i < NAMES; i++) {
    if (strcmp(wanted, names[i]) == 0) {
      dl_cpu_use((dl_cpu_level_t)i);
      return dl_cpu_level();
    }
  }
  dl_cpu_use(DL_CPU_AMX);
  return dl_cpu_level();
}

dl_cpu_bfloat16_t dl_cpu_bfloat16(void) {
  dl_cpu_level();
  return (dl_cpu_bfloat16_t)atomic_load_explicit(&bfloat16_in_use, memory_order_relaxed);
}
