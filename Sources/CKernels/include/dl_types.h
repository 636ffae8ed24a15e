#ifndef DL_TYPES_H
#define DL_TYPES_H

#include <stddef.h>
#include <stdint.h>

// Kernels are made for the levels of x86-64 and choose among them as the program runs.
#if defined(__x86_64__) && defined(__linux__)
#define DL_X86_LEVELS 1
#else
#define DL_X86_LEVELS 0
#endif

/// The element types of kernels. DL_BF16 is for products and convolutions (dl_gemm.h, dl_conv.h) alone:
/// values lie as float32, and the operands are rounded to bfloat16.
typedef enum { DL_F32 = 0, DL_F64 = 1, DL_BF16 = 2 } dl_dtype;

#endif
