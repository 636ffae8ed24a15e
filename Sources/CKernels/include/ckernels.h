// The kernels that BLAS has not. Pointers are untyped; the element type comes first in every call.
#ifndef CKERNELS_H
#define CKERNELS_H

#include "dl_types.h"

#endif
