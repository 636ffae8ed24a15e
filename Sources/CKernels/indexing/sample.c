#include "dl_elementwise.h"
#include "dl_indexing.h"
#include "template.h"

#define DL_TYPE (sizeof(T) == sizeof(float) ? DL_F32 : DL_F64)

// A place in the unit of pixels, and its derivative by the coordinate in -1 ... 1.
typedef struct {
  double at, slope;
} dl_spot;

static inline dl_spot dl_spot_of(
    double coordinate, size_t size, int border, int align_corners) {
  double extent = (double)size - (align_corners ? 1 : 0), last = (double)size - 1;
  dl_spot spot = {(coordinate + 1) * extent / 2 - (align_corners ? 0 : 0.5), extent / 2};
  if (!border) return spot;
  // Written so that NaN takes the first branch.
  if (!(spot.at > 0)) return (dl_spot){0, 0};
  if (spot.at >= last) return (dl_spot){last, 0};
  return spot;
}

// Nonzero where some pixel of an axis is less than 1 away; false for NaN and infinity.
static inline int dl_near(double at, size_t size) { return at > -1 && at < (double)size; }

// The four pixels around a place; weights of those outside are 0, and their offsets that of pixel 0.
typedef struct {
  size_t offset[4];
  double weight[4], by_x[4], by_y[4];
} dl_corners;

static inline dl_corners dl_corners_of(double x, double y, size_t h, size_t w, size_t c) {
  dl_corners corners = {{0}, {0}, {0}, {0}};
  double left = floor(x), top = floor(y);
  for (int i = 0; i < 4; i++) {
    double px = left + (i & 1), py = top + (i >> 1);
    if (px < 0 || py < 0 || px >= (double)w || py >= (double)h) continue;
    double wx = i & 1 ? x - left : 1 - (x - left), wy = i >> 1 ? y - top : 1 - (y - top);
    corners.offset[i] = ((size_t)py * w + (size_t)px) * c;
    corners.weight[i] = wx * wy;
    corners.by_x[i] = i & 1 ? wy : -wy;
    corners.by_y[i] = i >> 1 ? wx : -wx;
  }
  return corners;
}

#define DL_INC "indexing/sample.inc"
#include "instantiate.h"

void dl_resize_forward(
    dl_dtype t, const void *x, size_t n, size_t h, size_t w, size_t c, const dl_blend *rows,
    size_t oh, const dl_blend *columns, size_t ow, void *y) {
  DL_CALL(resize_forward, t, x, n, h, w, c, rows, oh, columns, ow, y);
}

void dl_resize_backward(
    dl_dtype t, const void *dy, size_t n, size_t h, size_t w, size_t c, const dl_blend *rows,
    size_t oh, const dl_blend *columns, size_t ow, void *dx, int accumulate) {
  DL_CALL(resize_backward, t, dy, n, h, w, c, rows, oh, columns, ow, dx, accumulate);
}

void dl_pad_forward(
    dl_dtype t, const void *x, size_t n, size_t h, size_t w, size_t c, size_t top, size_t left,
    size_t oh, size_t ow, void *y) {
  DL_CALL(pad_forward, t, x, n, h, w, c, top, left, oh, ow, y);
}

void dl_pad_backward(
    dl_dtype t, const void *dy, size_t n, size_t h, size_t w, size_t c, size_t top, size_t left,
    size_t oh, size_t ow, void *dx, int accumulate) {
  DL_CALL(pad_backward, t, dy, n, h, w, c, top, left, oh, ow, dx, accumulate);
}

void dl_grid_sample_forward(
    dl_dtype t, const void *x, size_t n, size_t h, size_t w, size_t c, const void *grid,
    size_t places, dl_sample_padding padding, int align_corners, void *y) {
  DL_CALL(grid_sample_forward, t, x, n, h, w, c, grid, places, padding, align_corners, y);
}

void dl_grid_sample_backward(
    dl_dtype t, const void *x, size_t n, size_t h, size_t w, size_t c, const void *grid,
    size_t places, dl_sample_padding padding, int align_corners, const void *dy, void *dx,
    void *dgrid, int accumulate) {
  DL_CALL(
      grid_sample_backward, t, x, n, h, w, c, grid, places, padding, align_corners, dy, dx,
      dgrid, accumulate);
}
