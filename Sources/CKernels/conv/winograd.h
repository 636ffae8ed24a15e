// Winograd's minimal convolutions F(2 x 2, 3 x 3) and F(4 x 4, 3 x 3): 16 multiplications for four results
// of a 3 x 3 window, or 36 for sixteen, where the definition has 36 and 144.
//
//   y = A' [(G w G') o (B' d B)] A      d: 4 x 4 pixels of x, y: the 2 x 2 results in their middle
//                                       or 6 x 6 pixels and 4 x 4 results
//
// Over channels the product o becomes, at each of the 16 or 36 places, a product of matrices:
// [tiles, c] times [c, out]. The data gradient is the same with the window turned by 180 degrees,
// and the weight gradient is its adjoint, dw = G' [(B' d B) o (A dy A')] G, summed over the tiles.
//
//        1  0 -1  0           1   0   0
//   B' = 0  1  1  0      G = 1/2 1/2 1/2      A' = 1  1  1  0
//        0 -1  1  0          1/2-1/2 1/2           0  1 -1 -1
//        0  1  0 -1           0   0   1
//
// With r = the square root of 2 those of 4 x 4 are
//
//        1    0  -5/2   0   1   0            1     0    0          1   1     1    1    1   0
//        0   -r   -2   r/2  1   0          -2/3  -r/3 -1/3         0  r/2  -r/2   r   -r   0
//   B' = 0    r   -2  -r/2  1   0      G = -2/3   r/3 -1/3    A' = 0  1/2   1/2   2    2   0
//        0  -r/2 -1/2   r   1   0           1/6   r/6  1/3         0  r/4  -r/4  2r  -2r   1
//        0   r/2 -1/2  -r   1   0           1/6  -r/6  1/3
//        0    1    0  -5/2  0   1            0     0    1
//
// of the points 0, +-r/2, +-r and infinity. Their rms error on random data is 1.8 times that of the definition,
// at 64 channels as at 256, where the points 0, +-1, +-2 and infinity have four times.
//
// A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016; the polynomials of
// Toom and Cook give the matrices of any points. The order of all sums is fixed, so that results do not depend
// on the CPU; they differ from those of the definition by rounding, and one value that is not finite
// reaches all results of a tile. Tensors of float64 go by the definition; its instances show in tests that the
// matrices are right.
#ifndef DL_CONV_WINOGRAD_H
#define DL_CONV_WINOGRAD_H

#include "dl_conv.h"
#include "gemm/gemm.h"

// Bytes of transformed pixels and results that go together, and the multiple of tiles they are.
#define DL_WINOGRAD_BYTES (256 * 1024)
#define DL_WINOGRAD_ROWS 48

// The fewest channels of either side, by tiles of 2 x 2 and of 4 x 4: with fewer the transforms take as long
// as they save.
#define DL_WINOGRAD_CHANNELS 24
#define DL_WINOGRAD_CHANNELS_LARGE 16

// The most weights of a window's place for each tile of 4 x 4 that an image has: their planes are transformed
// for few tiles otherwise.
#define DL_WINOGRAD_WEIGHTS (128 * 128)

#endif
