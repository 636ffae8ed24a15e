// Loops are written once, in NAME.inc, over the element type T. A family's .c file says
//   #define DL_INC "FAMILY/NAME.inc"
//   #include "instantiate.h"
// and gets F(name) twice: name_f32 and name_f64.
#ifndef DL_TEMPLATE_H
#define DL_TEMPLATE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dl_types.h"
#include "double_math.h"
#include "fast_math.h"
#include "lanes.h"

// A product and a sum are rounded one by one, whether or not the CPU can fuse them: so the versions
// below give the same bits.
#pragma STDC FP_CONTRACT OFF

// One source, one machine code per vector width, chosen when the program is loaded.
// Not under ThreadSanitizer: the loader's choice runs before the sanitizer is ready, and crashes.
#ifdef DL_CLONES
// Tests/KernelBits compiles for one instruction set at a time.
#elif defined(__x86_64__) && defined(__linux__) && !__has_feature(thread_sanitizer)
#define DL_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define DL_CLONES
#endif

// Before a loop whose iterations are independent even when output and input are the same buffer.
// Loops that call a C library's function stay scalar, which is not worth a warning.
#pragma clang diagnostic ignored "-Wpass-failed"
#define DL_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")

#define DL_CALL(f, t, ...) ((t) == DL_F32 ? f##_f32(__VA_ARGS__) : f##_f64(__VA_ARGS__))

#endif
