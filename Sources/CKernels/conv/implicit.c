#include "conv/implicit.h"

#include <string.h>

#include "conv/bfloat16.h"
#include "conv/kernels.h"
#include "dl_elementwise.h"

#pragma STDC FP_CONTRACT OFF

#define DL_TILED "conv/implicit.inc"
#include "gemm/levels.inc"

// Zeros in the first `columns` of rows that lie `step` elements apart.
static void clear_rows(dl_dtype t, void *to, size_t rows, size_t step, size_t columns) {
  const size_t bytes = step * (t == DL_F64 ? sizeof(double) : sizeof(float));
  const dl_dtype stored = t == DL_F64 ? DL_F64 : DL_F32;
  for (size_t i = 0; i < rows; i++) dl_fill(stored, 0, (char *)to + i * bytes, columns);
}

void dl_conv_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t inputs, const void *w,
    const void *bias, int relu, void *y, size_t out, size_t outputs) {
  static const forward_kernel kernels[][2] = DL_LEVEL_TABLE(conv_forward);
  if (g->n * g->oh * g->ow * out == 0) return;
  const forward_kernel kernel =
      t == DL_BF16 ? dl_bfloat16_conv_forward : kernels[dl_cpu_level()][t];
  kernel(g, x, inputs, w, bias, relu, y, out, outputs);
}

void dl_conv_backward_input(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, const void *w, void *dx,
    size_t inputs, size_t out, size_t outputs, int accumulate) {
  static const input_kernel kernels[][2] = DL_LEVEL_TABLE(conv_backward_input);
  if (g->n * g->h * g->w * g->c == 0) return;
  if (g->oh * g->ow * out == 0) {
    if (!accumulate) clear_rows(t, dx, g->n * g->h * g->w, inputs, g->c);
    return;
  }
  const input_kernel kernel =
      t == DL_BF16 ? dl_bfloat16_conv_backward_input : kernels[dl_cpu_level()][t];
  kernel(g, dy, w, dx, inputs, out, outputs, accumulate);
}

void dl_conv_backward_weight(
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t inputs, const void *dy,
    void *dw, size_t out, size_t outputs, int accumulate) {
  static const weight_kernel kernels[][2] = DL_LEVEL_TABLE(conv_backward_weight);
  const size_t rows = g->kh * g->kw * g->c;
  if (rows * out == 0) return;
  if (g->n * g->oh * g->ow == 0) {
    if (!accumulate) clear_rows(t, dw, rows, outputs, out);
    return;
  }
  const weight_kernel kernel =
      t == DL_BF16 ? dl_bfloat16_conv_backward_weight : kernels[dl_cpu_level()][t];
  kernel(g, x, inputs, dy, dw, out, outputs, accumulate);
}
