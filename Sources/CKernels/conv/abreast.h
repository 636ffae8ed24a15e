// Convolutions of few channels, images abreast.
//
// Where a window's result has few channels, vectors over channels stay half empty. Here a vector
// holds the same value of W images, 8 or 16 of them: no lane is wasted whatever the channels, and
// results of up to ABREAST_RESULTS channels times some neighbouring pixels stay in registers over a
// chain.
//
//   images     turned once into [row][column][channel][W], 8 x 8 values at a time
//   forward    y's channels of a pixel: chains over the taps, zeros around the image among them
//   data       dx's channels of a pixel: chains over the taps that see dy, which is not padded. The
//              pixels of a strided window go by their remainders, as in implicit.h
//   weight     some taps times some channels of dy: chains over the pixels of some rows, one for
//              each of 16 images, whose sums are added up in double; the 16 in halves at the end
//
// An image without a neighbour beside it wastes the other lanes: the forward pass has the bits of
// dl_conv_forward, which takes few images that are left over.
#ifndef DL_CONV_ABREAST_H
#define DL_CONV_ABREAST_H

#include "dl_conv.h"
#include "gemm/gemm.h"

// The most channels of results that stay in registers together; more go in groups.
#define ABREAST_RESULTS 6

// Images whose gradients by the weight have sums of their own.
#define ABREAST_SUMS 16

// Pixels of one chain of the gradient by the weight, in whole rows.
#define ABREAST_CHAIN 384

// Bytes of rows of x and dy that all taps go over while they are in the first-level cache.
#define ABREAST_STRIP_BYTES (24 * 1024)

// A convolution of images that lie abreast: result (row, column) sees the source's pixels from
// (row * step_h + top, column * step_w + left) on, `taps_w` beside and `taps_h` below each other.
typedef struct {
  const float *source;  // [rows][columns][depth][W]
  size_t rows, columns, depth;
  const float
      *weights;  // of groups of results, one after the other: [taps_h][taps_w][depth][group]
  size_t taps_h, taps_w, results;
  size_t step_h, step_w;
  ptrdiff_t top, left;
  const float *bias;  // [results] or NULL
  int relu;
} dl_abreast;

// Group `i` of `results` channels: its first, and one more for the last group's end.
static inline size_t dl_abreast_group(size_t results, size_t i) {
  const size_t groups = (results + ABREAST_RESULTS - 1) / ABREAST_RESULTS;
  return results * i / groups;
}

#endif
