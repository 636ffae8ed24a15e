#ifndef DL_MEASURE_H
#define DL_MEASURE_H

#include "dl_types.h"

// What the CPU can do at most, for benchmarks to compare with.

/// The instruction set at `index`, from 0 up, that this CPU has and multiply-adds are measured in;
/// NULL behind the last one.
const char *dl_fma_set(int index);

/// Whether it multiplies bfloat16, and adds to float32; all others multiply float32.
int dl_fma_is_bfloat16(int index);

/// Multiplies and adds in registers, `rounds` times in chains that do not wait for each
/// other; the number of multiplications and additions made.
double dl_fma_run(int index, long rounds);

/// The sum of n floats, read once each.
float dl_read_sum(const float *x, size_t n);

/// Does nothing: a place where a tool that counts instructions can take its count, such as
/// `valgrind --tool=callgrind --dump-before=dl_count_mark`.
void dl_count_mark(void);

#endif
