#ifndef DL_DROPOUT_H
#define DL_DROPOUT_H

#include "dl_types.h"

/// y = keep ? x / (1 - p) : 0 over [rows, cols]; y may be x.
///
/// Row r here is row first_row + r of the global batch. Element e of global row r takes word e % 4 of
/// Philox4x32-10 with counter {e/4 low, e/4 high, r low, r high} under `key`; it is kept when
/// word * 2^-32 >= p. So the mask does not depend on how the batch is cut, and is never stored.
/// 0 <= p <= 1; p = 1 gives zeros.
void dl_dropout_forward(
    dl_dtype t, const void *x, size_t rows, size_t cols, uint64_t first_row, uint64_t key,
    double p, void *y);

/// dx (+)= keep ? dy / (1 - p) : 0, with the same mask; dx may be dy.
void dl_dropout_backward(
    dl_dtype t, const void *dy, size_t rows, size_t cols, uint64_t first_row, uint64_t key,
    double p, void *dx, int accumulate);

#endif
