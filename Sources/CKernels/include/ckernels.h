// The kernels that BLAS has not. Pointers are untyped; the element type comes first in every call.
#ifndef CKERNELS_H
#define CKERNELS_H

#include "dl_activations.h"
#include "dl_attention.h"
#include "dl_bias.h"
#include "dl_binary.h"
#include "dl_conv.h"
#include "dl_convert.h"
#include "dl_cpu.h"
#include "dl_ctc.h"
#include "dl_dropout.h"
#include "dl_elementwise.h"
#include "dl_embedding.h"
#include "dl_layout.h"
#include "dl_losses.h"
#include "dl_norm.h"
#include "dl_optimizers.h"
#include "dl_philox.h"
#include "dl_pool.h"
#include "dl_ranking.h"
#include "dl_recurrent.h"
#include "dl_sample.h"
#include "dl_select.h"
#include "dl_softmax.h"
#include "dl_structure.h"
#include "dl_sums.h"
#include "dl_sync.h"
#include "dl_types.h"

#endif
