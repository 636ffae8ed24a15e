// Winograd's minimal convolution F(2 x 2, 3 x 3): 16 multiplications for four results of a 3 x 3
// window, where the definition has 36.
//
//   y = A' [(G w G') o (B' d B)] A      d: 4 x 4 pixels of x, y: the 2 x 2 results in their middle
//
// Over channels the product o becomes, at each of the 16 places, a product of matrices:
// [tiles, c] times [c, out]. The data gradient is the same with the window turned by 180 degrees,
// and the weight gradient is its adjoint, dw = G' [(B' d B) o (A dy A')] G, summed over the tiles.
//
//        1  0 -1  0           1   0   0
//   B' = 0  1  1  0      G = 1/2 1/2 1/2      A' = 1  1  1  0
//        0 -1  1  0          1/2-1/2 1/2           0  1 -1 -1
//        0  1  0 -1           0   0   1
//
// A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016. The order of all
// sums is fixed, so that results do not depend on the CPU; they differ from those of the definition by
// rounding, and one value that is not finite reaches all four results of a tile.
#ifndef DL_CONV_WINOGRAD_H
#define DL_CONV_WINOGRAD_H

#include "dl_conv.h"
#include "gemm/gemm.h"

// Bytes of transformed pixels and results that go together, and the multiple of tiles they are.
#define DL_WINOGRAD_BYTES (256 * 1024)
#define DL_WINOGRAD_ROWS 48

// The fewest channels of either side: with fewer the transforms take as long as they save.
#define DL_WINOGRAD_CHANNELS 24

#endif
