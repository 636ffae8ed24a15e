#include "dl_measure.h"

__attribute__((noinline)) void dl_count_mark(void) { __asm__ volatile("" ::: "memory"); }
