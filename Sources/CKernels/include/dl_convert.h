#ifndef DL_CONVERT_H
#define DL_CONVERT_H

#include "dl_types.h"

/// y[i] = (x[i] / 255 - mean[i % period]) / std[i % period], each operation rounded to type t.
///
/// mean and std are of type t. A period of many elements (the channels repeated) keeps the loop wide.
void dl_convert_u8(
    dl_dtype t, const uint8_t *x, size_t count, const void *mean, const void *std,
    size_t period, void *y);

/// y[i] = (x[i] - mean[i % period]) / std[i % period], each operation rounded to type t.
void dl_convert_f32(
    dl_dtype t, const float *x, size_t count, const void *mean, const void *std, size_t period,
    void *y);

#endif
