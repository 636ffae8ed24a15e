#ifndef DL_CPU_H
#define DL_CPU_H

#include "dl_types.h"

/// What this CPU can do and the operating system allows; all zero off x86-64.
typedef struct {
  int avx2, fma, avx512f, avx512_bf16, amx_bf16;
  char name[64];  // as the CPU gives it, or ""
} dl_cpu_features;

/// Reads the features of the CPU that it runs on.
dl_cpu_features dl_cpu_probe(void);

/// The versions that kernels with several of them are made in. Their results are the same to the bit.
/// The last two are AVX-512 with instructions for products of bfloat16: pairs, and tiles besides.
typedef enum {
  DL_CPU_PORTABLE = 0,
  DL_CPU_AVX2 = 1,
  DL_CPU_AVX512 = 2,
  DL_CPU_AVX512_BF16 = 3,
  DL_CPU_AMX = 4
} dl_cpu_level_t;

/// The ways to carry out products of bfloat16. Their results are the same to the bit.
typedef enum {
  DL_BFLOAT16_WIDENED = 0,  // operands are made float32, by the version in use
  DL_BFLOAT16_PAIRS = 1,    // VDPBF16PS of AVX512_BF16
  DL_BFLOAT16_TILES = 2,    // TDPBF16PS of AMX
  DL_BFLOAT16_TWIN = 3      // the same in C
} dl_cpu_bfloat16_t;

/// The version in use, at most AVX-512: the highest that this CPU has, or what the environment's
/// DLTRAIN_CPU ("portable", "avx2", "avx512", "avx512_bf16" or "amx") lowers it to.
dl_cpu_level_t dl_cpu_level(void);

/// How products of bfloat16 are carried out: by the best that the CPU has, or what DLTRAIN_CPU leaves.
dl_cpu_bfloat16_t dl_cpu_bfloat16(void);

/// Takes another version from now on, for tests; at most the CPU's highest. Returns the one in use.
dl_cpu_level_t dl_cpu_use(dl_cpu_level_t level);

/// Takes AMX's twin in C, which is slow, from now on, for tests; dl_cpu_use ends it.
void dl_cpu_use_twin(void);

/// The name of the version in use: "portable", "avx2" or "avx512".
const char *dl_kernel_set(void);

#endif
