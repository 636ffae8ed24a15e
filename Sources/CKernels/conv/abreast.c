#include "conv/abreast.h"

#include <string.h>

#include "conv/implicit.h"
#include "dl_cpu.h"

#pragma STDC FP_CONTRACT OFF

#define W 8
#define TARGET
#define F(name) name##_portable
#include "conv/abreast.inc"
#undef TARGET
#undef F

#if DL_X86_LEVELS
#define TARGET __attribute__((target("arch=x86-64-v3")))
#define F(name) name##_avx2
#include "conv/abreast.inc"
#undef W
#undef TARGET
#undef F

#define W 16
#define TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define F(name) name##_avx512
#include "conv/abreast.inc"
#undef TARGET
#undef F
#endif
#undef W

typedef struct {
  size_t width;
  void (*forward)(
      const dl_conv_geometry *, const float *x, const float *w, const float *bias, int relu,
      float *y, size_t out);
  void (*input)(
      const dl_conv_geometry *, const float *dy, const float *w, float *dx, size_t out,
      int accumulate);
  void (*weight)(
      const dl_conv_geometry *, const float *x, const float *dy, float *dw, size_t out,
      int accumulate);
} abreast_kernels;

#define KERNELS(width, level)                                                                  \
  { width, abreast_forward_##level, abreast_input_##level, abreast_weight_##level }

static const abreast_kernels *kernels_in_use(void) {
  static const abreast_kernels kernels[] = {
    KERNELS(8, portable),
#if DL_X86_LEVELS
    KERNELS(8, avx2),
    KERNELS(16, avx512),
#endif
  };
  return &kernels[dl_cpu_level()];
}

// Images that are turned stay small, and windows see one row or column after the other.
static int supported(dl_dtype t, const dl_conv_geometry *g, size_t out) {
  if (t != DL_F32 || g->dilation_h != 1 || g->dilation_w != 1) return 0;
  if (g->oh * g->ow * out == 0 || g->h * g->w * g->c == 0) return 0;
  const size_t hp = dl_covered(g->oh, g->stride_h, g->kh, 1);
  const size_t wp = dl_covered(g->ow, g->stride_w, g->kw, 1);
  return hp * wp * g->c <= DL_ABREAST_VALUES && g->oh * g->ow * out <= DL_ABREAST_VALUES;
}

int dl_abreast_suits_forward(dl_dtype t, const dl_conv_geometry *g, size_t out) {
  // Vectors of 8 or 16 channels would be left half empty.
  const int narrow = out <= 8 || (out < 24 && out % 8);
  return narrow && supported(t, g, out) && g->kh * g->kw * g->c <= DL_GEMM_LONGEST;
}

int dl_abreast_suits_weight(dl_dtype t, const dl_conv_geometry *g, size_t out) {
  const int narrow = out <= 8 || (g->c <= 4 && out <= 32);
  return narrow && supported(t, g, out) && g->kh * g->kw * g->c <= 1024;
}

int dl_abreast_suits_input(dl_dtype t, const dl_conv_geometry *g, size_t out) {
  return g->c <= 12 && supported(t, g, out) && g->kh * g->kw * out <= 1024;
}

void dl_abreast_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t inputs, const void *w,
    const void *bias, int relu, void *y, size_t out, size_t outputs) {
  const abreast_kernels *kernels = kernels_in_use();
  // Fewer than half of the lanes are not worth it.
  const size_t left = g->n % kernels->width, rest = 2 * left < kernels->width ? left : 0;
  dl_conv_geometry part = *g;
  part.n = g->n - rest;
  if (part.n) kernels->forward(&part, x, w, bias, relu, y, out);
  if (rest == 0) return;
  const float *from = (const float *)x + part.n * g->h * g->w * inputs;
  float *to = (float *)y + part.n * g->oh * g->ow * outputs;
  part.n = rest;
  dl_conv_forward(t, &part, from, inputs, w, bias, relu, to, out, outputs);
}

void dl_abreast_backward_input(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, const void *w, void *dx,
    size_t inputs, size_t out, size_t outputs, int accumulate) {
  (void)t, (void)inputs, (void)outputs;
  kernels_in_use()->input(g, dy, w, dx, out, accumulate);
}

void dl_abreast_backward_weight(
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t inputs, const void *dy,
    void *dw, size_t out, size_t outputs, int accumulate) {
  // An image or three would leave most lanes empty.
  if (g->n < 4) {
    dl_conv_backward_weight(t, g, x, inputs, dy, dw, out, outputs, accumulate);
    return;
  }
  kernels_in_use()->weight(g, x, dy, dw, out, accumulate);
}
