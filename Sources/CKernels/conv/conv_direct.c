#include "conv_direct.h"

#include <string.h>

#include "dl_cpu.h"
#include "dl_elementwise.h"
#include "dl_reduction.h"

#pragma STDC FP_CONTRACT OFF

#define W 4
#define EVEN_THEN_ODD 0, 2, 1, 3
#define INTERLEAVED 0, 4, 1, 5
#define BLOCK 12
#define INPUT_BLOCK 5
#define TARGET
#define F(name) direct_##name##_4
#include "conv_direct.inc"
#undef W
#undef EVEN_THEN_ODD
#undef INTERLEAVED
#undef TARGET
#undef F

#if DL_X86_LEVELS
#define W 8
#define EVEN_THEN_ODD 0, 2, 4, 6, 1, 3, 5, 7
#define INTERLEAVED 0, 8, 1, 9, 2, 10, 3, 11
#define TARGET __attribute__((target("arch=x86-64-v3")))
#define F(name) direct_##name##_8
#include "conv_direct.inc"
#undef W
#undef EVEN_THEN_ODD
#undef INTERLEAVED
#undef TARGET
#undef INPUT_BLOCK
#undef F

#define W 16
#define EVEN_THEN_ODD 0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15
#define INTERLEAVED 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define INPUT_BLOCK 6
#define TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define F(name) direct_##name##_16
#include "conv_direct.inc"
#undef W
#undef EVEN_THEN_ODD
#undef INTERLEAVED
#undef TARGET
#undef INPUT_BLOCK
#undef F
#endif

static const dl_direct_kernels *direct_kernels(void) {
#if DL_X86_LEVELS
  if (dl_cpu_level() == DL_CPU_AVX512) return &direct_kernels_16;
  if (dl_cpu_level() == DL_CPU_AVX2) return &direct_kernels_8;
#endif
  return &direct_kernels_4;
}

static size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

// Pixels that only fill up a block of four are read beyond the planes.
static size_t plane_count(const dl_direct_plan *d) {
  return (d->g.c * d->hp * d->wp + 2 * DL_DIRECT_PIXELS) * d->group;
}

// Lays the plan out from `base` (which may be NULL, to count) and returns its bytes.
static size_t make_plan(
    dl_direct_plan *d, const dl_conv_geometry *g, size_t out, size_t width, char *base) {
  d->g = *g;
  d->out = out;
  d->lanes = round_up(out, width);
  d->group = 2 * out <= width ? 2 : 1;
  d->hp = (g->oh - 1) * g->stride_h + g->kh;
  d->wp = (g->ow - 1) * g->stride_w + g->kw;
  d->run = g->kw * g->c;
  d->taps = g->kh * d->run;
  d->run_lanes = round_up(d->run, width);
  d->owp = round_up(g->ow, DL_DIRECT_PIXELS);
  size_t bytes = 0;
#define DL_TAKE(field, count)                                                                  \
  d->field = base ? (void *)(base + bytes) : NULL;                                             \
  bytes += round_up((count) * sizeof *d->field, 64);
  DL_TAKE(planes, plane_count(d))
  DL_TAKE(bias, d->lanes)
  DL_TAKE(weights, d->taps * d->lanes)
  DL_TAKE(dy_lanes, g->oh * d->owp * d->lanes)
  DL_TAKE(sums, d->taps * d->lanes)
  DL_TAKE(offsets, d->taps)
  DL_TAKE(flipped, g->kh * out * d->run_lanes)
  DL_TAKE(dx_padded, d->hp * d->wp * g->c + 2 * width)
#undef DL_TAKE
  return bytes;
}

static void set_offsets(const dl_direct_plan *d) {
  for (size_t tap = 0; tap < d->taps; tap++) {
    size_t ky = tap / d->run, kx = tap % d->run / d->g.c, ch = tap % d->g.c;
    d->offsets[tap] = ((ch * d->hp + ky) * d->wp + kx) * d->group;
  }
}

int dl_conv2d_direct_supported(dl_dtype t, const dl_conv_geometry *g, size_t out) {
  if (t != DL_F32 || out == 0 || out > DL_DIRECT_OUTPUTS || g->oh == 0 || g->ow == 0) return 0;
  if (g->dilation_h != 1 || g->dilation_w != 1 || g->stride_w > 2) return 0;
  size_t hp = (g->oh - 1) * g->stride_h + g->kh, wp = (g->ow - 1) * g->stride_w + g->kw;
  if (hp <= g->pad_top || wp <= g->pad_left) return 0;
  // The planes of an image and the weights should stay in the second-level cache.
  return g->kh * g->kw * g->c <= 512 && hp * wp * g->c <= 128 * 1024;
}

size_t dl_conv2d_direct_scratch(dl_dtype t, const dl_conv_geometry *g, size_t out) {
  dl_direct_plan d;
  if (!dl_conv2d_direct_supported(t, g, out)) return 0;
  return make_plan(&d, g, out, direct_kernels()->width, NULL);
}

void dl_conv2d_direct_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, const void *w, const void *bias,
    dl_conv_activation activation, void *y, size_t out, void *scratch) {
  if (!dl_conv2d_direct_supported(t, g, out)) {
    dl_conv2d_plain_forward(t, g, x, w, bias, activation, y, out);
    return;
  }
  const dl_direct_kernels *kernels = direct_kernels();
  dl_direct_plan d;
  make_plan(&d, g, out, kernels->width, scratch);
  memset(d.planes, 0, plane_count(&d) * sizeof(float));
  memset(d.weights, 0, d.taps * d.lanes * sizeof(float));
  memset(d.bias, 0, d.lanes * sizeof(float));
  for (size_t o = 0; o < out && bias; o++) {
    for (size_t i = 0; i < d.group; i++) d.bias[o * d.group + i] = ((const float *)bias)[o];
  }
  set_offsets(&d);
  const float *from = w;
  for (size_t tap = 0; tap < d.taps; tap++) {
    float *to = d.weights + tap * d.lanes;
    for (size_t o = 0; o < out; o++, from++) {
      for (size_t i = 0; i < d.group; i++) to[o * d.group + i] = *from;
    }
  }
  kernels->forward(&d, x, bias, activation == DL_CONV_RELU, y);
}

void dl_conv2d_direct_backward_weight(
    dl_dtype t, const dl_conv_geometry *g, const void *x, const void *dy, void *dw, void *db,
    size_t out, int accumulate, void *scratch) {
  if (!dl_conv2d_direct_supported(t, g, out)) {
    dl_conv2d_plain_backward_weight(t, g, x, dy, dw, db, out, accumulate);
    return;
  }
  const dl_direct_kernels *kernels = direct_kernels();
  dl_direct_plan d;
  make_plan(&d, g, out, kernels->width, scratch);
  memset(d.planes, 0, plane_count(&d) * sizeof(float));
  memset(d.dy_lanes, 0, g->oh * d.owp * d.lanes * sizeof(float));
  memset(d.sums, 0, d.taps * d.lanes * sizeof(double));
  set_offsets(&d);
  kernels->weight(&d, x, dy);
  float *to = dw;
  for (size_t tap = 0; tap < d.taps; tap++, to += out) {
    for (size_t o = 0; o < out; o++) {
      const double *sum = d.sums + tap * d.lanes + o * d.group;
      float value = (float)(d.group == 2 ? sum[0] + sum[1] : sum[0]);
      to[o] = accumulate ? to[o] + value : value;
    }
  }
  if (db) dl_column_sums(DL_F32, dy, g->n * g->oh * g->ow, out, db, accumulate);
}

void dl_conv2d_direct_backward_input(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, const void *w, void *dx, size_t out,
    int accumulate, void *scratch) {
  if (!dl_conv2d_direct_supported(t, g, out)) {
    dl_conv2d_plain_backward_input(t, g, dy, w, dx, out, accumulate);
    return;
  }
  const dl_direct_kernels *kernels = direct_kernels();
  dl_direct_plan d;
  make_plan(&d, g, out, kernels->width, scratch);
  memset(d.flipped, 0, g->kh * out * d.run_lanes * sizeof(float));
  const float *from = w;
  for (size_t tap = 0; tap < d.taps; tap++, from += out) {
    size_t ky = tap / d.run, l = tap % d.run;
    for (size_t o = 0; o < out; o++) d.flipped[(ky * out + o) * d.run_lanes + l] = from[o];
  }
  kernels->input(&d, dy, dx, accumulate);
}
