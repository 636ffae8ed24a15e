#ifndef DL_TREE_SUM_H
#define DL_TREE_SUM_H

#include "dl_types.h"

// One step of a sum over a tree. Operands below the number of sources name a source, others a
// temporary; dst < 0 is the result.
typedef enum {
  DL_SUM_2 = 0,        // a + b
  DL_SUM_3_LEFT = 1,   // (a + b) + c
  DL_SUM_3_RIGHT = 2,  // a + (b + c)
  DL_SUM_4 = 3         // (a + b) + (c + d)
} dl_sum_kind;

typedef struct {
  int32_t kind, dst, a, b, c, d;
} dl_sum_step;

enum { DL_SUM_TEMPORARIES = 32 };

// Runs the steps on elements offset ..< offset + count of every source and writes the result at
// the same place of every destination. A destination may be a source; otherwise they are disjoint.
// Without steps the first source is copied.
void dl_tree_sum(
    dl_dtype type, const dl_sum_step *steps, size_t step_count, const void *const *sources,
    size_t source_count, void *const *destinations, size_t destination_count, size_t offset,
    size_t count);

#endif
