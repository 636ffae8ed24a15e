// Column sums of a row-major matrix keep their accumulators on the stack: blocks of DL_COLUMNS
// columns, and a narrow matrix read as one with several rows side by side, so that vectors stay full.
#ifndef DL_COLUMNS_H
#define DL_COLUMNS_H

#include <stddef.h>

#define DL_COLUMNS 256
#define DL_FOLDED 64

// Rows laid side by side: the largest count whose width is at most DL_FOLDED.
static inline size_t dl_column_fold(size_t cols) {
  return cols == 0 || cols > DL_FOLDED / 2 ? 1 : DL_FOLDED / cols;
}

#endif
