#include "dl_elementwise.h"
#include "dl_pooling.h"
#include "geometry.h"
#include "template.h"

#define DL_POOL_BLOCK 64
#define DL_TYPE (sizeof(T) == sizeof(float) ? DL_F32 : DL_F64)

// The input places [from, to) of output o.
static inline size_t dl_adaptive_from(size_t o, size_t size, size_t count) {
  return o * size / count;
}

static inline size_t dl_adaptive_to(size_t o, size_t size, size_t count) {
  return ((o + 1) * size + count - 1) / count;
}

typedef struct {
  size_t y0, y1, x0, x1;
} dl_adaptive_window;

static inline dl_adaptive_window dl_adaptive_at(const dl_conv_geometry *g, dl_place at) {
  return (dl_adaptive_window){
      dl_adaptive_from(at.oy, g->h, g->oh), dl_adaptive_to(at.oy, g->h, g->oh),
      dl_adaptive_from(at.ox, g->w, g->ow), dl_adaptive_to(at.ox, g->w, g->ow)};
}

// How many outputs before this one there is one with the same window; 0 where neither neighbor has
// it. Where outputs are more than inputs most windows repeat.
static inline size_t dl_adaptive_twin(const dl_conv_geometry *g, dl_place at) {
  if (at.ox > 0 &&
      dl_adaptive_from(at.ox - 1, g->w, g->ow) == dl_adaptive_from(at.ox, g->w, g->ow) &&
      dl_adaptive_to(at.ox - 1, g->w, g->ow) == dl_adaptive_to(at.ox, g->w, g->ow)) {
    return 1;
  }
  if (at.oy > 0 &&
      dl_adaptive_from(at.oy - 1, g->h, g->oh) == dl_adaptive_from(at.oy, g->h, g->oh) &&
      dl_adaptive_to(at.oy - 1, g->h, g->oh) == dl_adaptive_to(at.oy, g->h, g->oh)) {
    return g->ow;
  }
  return 0;
}

static inline double dl_adaptive_scale(dl_adaptive_window v) {
  return 1.0 / (double)((v.y1 - v.y0) * (v.x1 - v.x0));
}

#define DL_INC "pooling/adaptive_pool.inc"
#include "instantiate.h"

void dl_adaptive_max_pool_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, void *y, int32_t *argmax) {
  DL_CALL(adaptive_max, t, g, x, y, argmax);
}

void dl_adaptive_avg_pool_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, void *y) {
  DL_CALL(adaptive_avg, t, g, x, y);
}

void dl_adaptive_avg_pool_backward(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, void *dx, int accumulate) {
  DL_CALL(adaptive_avg_backward, t, g, dy, dx, accumulate);
}
