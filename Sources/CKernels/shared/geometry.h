// Walking over the output positions of a dl_conv_geometry.
#ifndef DL_GEOMETRY_H
#define DL_GEOMETRY_H

#include "dl_conv.h"

typedef struct {
  size_t image, oy, ox;
} dl_place;

static inline dl_place dl_place_of(const dl_conv_geometry *g, size_t row) {
  if (g->oh == 0 || g->ow == 0) return (dl_place){0, 0, 0};
  return (dl_place){row / (g->oh * g->ow), row / g->ow % g->oh, row % g->ow};
}

static inline void dl_place_next(const dl_conv_geometry *g, dl_place *at) {
  if (++at->ox < g->ow) return;
  at->ox = 0;
  if (++at->oy < g->oh) return;
  at->oy = 0;
  at->image++;
}

// The input row (or column) that tap k of output o reads; may lie outside the image.
static inline ptrdiff_t dl_tap(size_t o, size_t stride, size_t pad, size_t k, size_t dilation) {
  return (ptrdiff_t)(o * stride + k * dilation) - (ptrdiff_t)pad;
}

static inline int dl_inside(ptrdiff_t i, size_t size) { return i >= 0 && (size_t)i < size; }

#endif
