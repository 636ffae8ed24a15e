// Shared by the direct convolution and its instances for each vector width.
#ifndef DL_CONV_DIRECT_H
#define DL_CONV_DIRECT_H

#include "dl_conv.h"

// Where things lie in the scratch buffer, in floats unless said. Images are copied one at a time into
// planes [c][hp][wp] that include the padding, so that inner loops have no borders.
typedef struct {
  dl_conv_geometry g;
  size_t out, lanes;        // lanes: out rounded up to whole vectors
  size_t hp, wp;            // the padded input that the windows cover
  size_t taps, run;         // kh * kw * c, and kw * c
  size_t run_lanes;         // run rounded up to whole vectors
  size_t owp;               // ow rounded up to DL_DIRECT_PIXELS
  float *planes;            // [c][hp][wp]
  float *weights;           // forward: [taps in c, ky, kx order][lanes]
  float *dy_lanes;          // [oh][owp][lanes]
  double *sums;             // [taps][lanes]
  size_t *offsets;          // [taps]: where a tap lies in the planes
  float *flipped;           // backward input: [kh][out][run_lanes]
  float *dx_padded;         // [hp][wp][c]
} dl_direct_plan;

#define DL_DIRECT_PIXELS 4

typedef struct {
  size_t width;
  void (*forward)(
    const dl_direct_plan *, const float *x, const float *bias, int relu, float *y);
  void (*weight)(const dl_direct_plan *, const float *x, const float *dy);
  void (*input)(const dl_direct_plan *, const float *dy, float *dx, int accumulate);
} dl_direct_kernels;

#endif
