// Shared by the direct convolution and its instances for each vector width.
#ifndef DL_CONV_DIRECT_H
#define DL_CONV_DIRECT_H

#include "dl_conv.h"

// Where things lie in the scratch buffer, in floats unless said. Images are copied one at a time into
// planes [c][hp][wp] that include the padding, so that inner loops have no borders. Where the output
// channels fill at most half a vector, two images go together, in even and odd places and lanes.
typedef struct {
  dl_conv_geometry g;
  size_t out, lanes;  // lanes: out rounded up to whole vectors
  size_t group;       // images side by side: 2 where two results fit into one vector
  size_t hp, wp;      // the padded input that the windows cover
  size_t taps, run;   // kh * kw * c, and kw * c
  size_t run_lanes;   // run rounded up to whole vectors
  size_t owp;         // ow rounded up to DL_DIRECT_PIXELS
  float *planes;      // [c][hp][wp][group]
  float *bias;        // [lanes]
  float *weights;     // forward: [taps][lanes]
  float *dy_lanes;    // [oh][owp][lanes]
  double *sums;       // [taps][lanes]
  size_t *offsets;    // [taps]: where a tap lies in the planes
  float *flipped;     // backward input: [kh][out][run_lanes]
  float *dx_padded;   // [hp][wp][c]
} dl_direct_plan;

#define DL_DIRECT_PIXELS 4

// The most output channels for which these kernels are faster than the products of implicit.h.
#define DL_DIRECT_OUTPUTS 8

typedef struct {
  size_t width;
  void (*forward)(
      const dl_direct_plan *, const float *x, const float *bias, int relu, float *y);
  void (*weight)(const dl_direct_plan *, const float *x, const float *dy);
  void (*input)(const dl_direct_plan *, const float *dy, float *dx, int accumulate);
} dl_direct_kernels;

#endif
