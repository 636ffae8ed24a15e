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

/// The set of kernels in use: "avx512f", "avx2" or "default". Results are bit-identical within one.
const char *dl_kernel_set(void);

#endif
