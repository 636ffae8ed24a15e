// The kernels that BLAS has not. Pointers are untyped; the element type comes first in every call.
#ifndef CKERNELS_H
#define CKERNELS_H

#include "dl_conv.h"
#include "dl_cpu.h"
#include "dl_elementwise.h"
#include "dl_gemm.h"
#include "dl_indexing.h"
#include "dl_loss.h"
#include "dl_math.h"
#include "dl_measure.h"
#include "dl_norm.h"
#include "dl_optim.h"
#include "dl_philox.h"
#include "dl_pooling.h"
#include "dl_reduction.h"
#include "dl_sequence.h"
#include "dl_types.h"

#endif
