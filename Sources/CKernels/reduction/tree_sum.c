#include <string.h>

#include "dl_reduction.h"
#include "template.h"

// A block of all sources stays in the first-level cache while it is summed and stored.
enum { BLOCK_BYTES = 4096 };

// The destination may be one of the operands, at the same index: no loop carries a dependence.
#define SUM_LOOP(expression) DL_INDEPENDENT for (size_t i = 0; i < n; i++) r[i] = expression

#define DEFINE_STEP(T, name)                                                                   \
  DL_CLONES static void name(                                                                  \
      int kind, T *r, const T *a, const T *b, const T *c, const T *d, size_t n) {              \
    switch (kind) {                                                                            \
      case DL_SUM_2: SUM_LOOP(a[i] + b[i]); break;                                             \
      case DL_SUM_3_LEFT: SUM_LOOP((a[i] + b[i]) + c[i]); break;                               \
      case DL_SUM_3_RIGHT: SUM_LOOP(a[i] + (b[i] + c[i])); break;                              \
      default: SUM_LOOP((a[i] + b[i]) + (c[i] + d[i])); break;                                 \
    }                                                                                          \
  }

DEFINE_STEP(float, step_f32)
DEFINE_STEP(double, step_f64)

void dl_tree_sum(
    dl_dtype type, const dl_sum_step *steps, size_t step_count, const void *const *sources,
    size_t source_count, void *const *destinations, size_t destination_count, size_t offset,
    size_t count) {
  if (destination_count == 0) return;
  _Alignas(64) char temporaries[DL_SUM_TEMPORARIES][BLOCK_BYTES];
  size_t width = type == DL_F32 ? sizeof(float) : sizeof(double);
  size_t end = (offset + count) * width;
  for (size_t at = offset * width; at < end; at += BLOCK_BYTES) {
    size_t bytes = end - at < BLOCK_BYTES ? end - at : BLOCK_BYTES;
    char *result = (char *)destinations[0] + at;
    for (size_t s = 0; s < step_count; s++) {
      const dl_sum_step *step = &steps[s];
      const int32_t names[4] = {step->a, step->b, step->c, step->d};
      const void *operands[4];
      for (int k = 0; k < 4; k++)
        operands[k] = (size_t)names[k] < source_count
                          ? (const char *)sources[names[k]] + at
                          : temporaries[(size_t)names[k] - source_count];
      void *target =
          step->dst < 0 ? result : (void *)temporaries[(size_t)step->dst - source_count];
      if (type == DL_F32)
        step_f32(
            step->kind, target, operands[0], operands[1], operands[2], operands[3],
            bytes / sizeof(float));
      else
        step_f64(
            step->kind, target, operands[0], operands[1], operands[2], operands[3],
            bytes / sizeof(double));
    }
    if (step_count == 0 && sources[0] != destinations[0])
      memcpy(result, (const char *)sources[0] + at, bytes);
    for (size_t k = 1; k < destination_count; k++)
      if (destinations[k] != destinations[0])
        memcpy((char *)destinations[k] + at, result, bytes);
  }
}
