// How the products are carried out, shared by matrix products and convolutions.
//
//   c [m, n]   m rows of tiles, each MR rows high and NR = NV * LANES columns wide; a tile's MR * NV
//              vectors stay in registers over a whole chain.
//   a          read where it lies, one scalar of each row broadcast per term (rows), or from panels
//              of MR values per term (panel), where the terms are not neighbors in memory.
//   b          copied into panels of NR columns, [n / NR][block][NR], which stay in the second-level
//              cache while all rows of a pass over them.
//
// A chain of terms may lie in several segments of a, such as the rows of a window in an image. The
// order of terms is that of the segments; b's panel holds the terms one after the other.
#ifndef DL_GEMM_INTERNAL_H
#define DL_GEMM_INTERNAL_H

#include "dl_cpu.h"
#include "dl_gemm.h"

// Terms of a chain that are neighbors: `length` of them, `offset` elements after a row's first.
typedef struct {
  ptrdiff_t offset;
  size_t length;
} dl_segment;

// The terms of one chain, in order.
typedef struct {
  const dl_segment *segments;
  size_t count, terms;
} dl_chain;

// What becomes of a finished chain: value = alpha * chain, plus c where it accumulates, plus bias,
// then max(value, 0) with relu.
typedef struct {
  double alpha;
  int accumulate, relu;
  const void *bias;  // [n] or NULL
} dl_finish;

// One version of a product, of a product with its finish, and of the packing, for a table of versions.
typedef void (*gemm_kernel)(
    int, int, size_t, size_t, size_t, double, const void *, size_t, const void *, size_t,
    double, void *, size_t);
typedef void (*product_kernel)(
    int, int, size_t, size_t, size_t, const void *, size_t, const void *, size_t, const void *,
    void *, size_t, const dl_finish *);
typedef void (*pack_kernel)(int, size_t, size_t, const void *, size_t, void *);

// The most terms of one chain.
#define DL_GEMM_LONGEST 384

// Bytes of b's panels for one pass over the rows: half of the smallest second-level cache there is.
#define DL_GEMM_PANEL_BYTES (1024 * 1024)

static inline size_t dl_round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

// Scratch of the calling thread, at least `bytes`, 64-byte aligned; its content is lost at the next
// call. It grows, and is freed with the thread.
void *dl_gemm_scratch(size_t bytes);

#endif
