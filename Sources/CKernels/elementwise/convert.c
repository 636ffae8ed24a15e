#include "dl_elementwise.h"
#include "template.h"

#define DL_INC "elementwise/convert.inc"
#include "instantiate.h"

DL_CLONES void dl_convert_u8(
    dl_dtype t, const uint8_t *x, size_t count, const void *mean, const void *std,
    size_t period, void *y) {
  DL_CALL(convert_u8, t, x, count, mean, std, period, y);
}

DL_CLONES void dl_convert_f32(
    dl_dtype t, const float *x, size_t count, const void *mean, const void *std, size_t period,
    void *y) {
  DL_CALL(convert_f32, t, x, count, mean, std, period, y);
}
