// The types of a convolution's three kernels, as dl_conv.h has them without the element type.
#ifndef DL_CONV_KERNELS_H
#define DL_CONV_KERNELS_H

#include "dl_conv.h"

typedef void (*forward_kernel)(
    const dl_conv_geometry *, const void *, size_t, const void *, const void *, int, void *,
    size_t, size_t);
typedef void (*input_kernel)(
    const dl_conv_geometry *, const void *, const void *, void *, size_t, size_t, size_t, int);
typedef void (*weight_kernel)(
    const dl_conv_geometry *, const void *, size_t, const void *, void *, size_t, size_t, int);

#endif
