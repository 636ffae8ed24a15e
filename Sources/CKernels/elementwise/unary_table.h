// The table of dl_unary: the name used in templates, and the enumerator.
#ifndef DL_UNARY_TABLE_H
#define DL_UNARY_TABLE_H

// clang-format does not come to rest on this list.
// clang-format off
// Those that let no gradient through where they are flat, whatever it is.
#define DL_FOR_EACH_GATE(X) X(relu) X(relu6) X(hard_sigmoid) X(hard_swish)
#define DL_FOR_EACH_CURVE(X)                                                                   \
  X(leaky_relu) X(elu) X(sigmoid) X(tanh) X(gelu) X(gelu_tanh) X(silu) X(softplus) X(exp)      \
  X(log) X(sqrt) X(rsqrt) X(abs) X(square) X(reciprocal) X(selu) X(erf)
#define DL_FOR_EACH_UNARY(X) DL_FOR_EACH_GATE(X) DL_FOR_EACH_CURVE(X)
// clang-format on

enum {
  DL_OP_relu = DL_RELU,
  DL_OP_leaky_relu = DL_LEAKY_RELU,
  DL_OP_relu6 = DL_RELU6,
  DL_OP_elu = DL_ELU,
  DL_OP_sigmoid = DL_SIGMOID,
  DL_OP_tanh = DL_TANH,
  DL_OP_gelu = DL_GELU,
  DL_OP_gelu_tanh = DL_GELU_TANH,
  DL_OP_silu = DL_SILU,
  DL_OP_softplus = DL_SOFTPLUS,
  DL_OP_hard_sigmoid = DL_HARD_SIGMOID,
  DL_OP_hard_swish = DL_HARD_SWISH,
  DL_OP_exp = DL_EXP,
  DL_OP_log = DL_LOG,
  DL_OP_sqrt = DL_SQRT,
  DL_OP_rsqrt = DL_RSQRT,
  DL_OP_abs = DL_ABS,
  DL_OP_square = DL_SQUARE,
  DL_OP_reciprocal = DL_RECIPROCAL,
  DL_OP_selu = DL_SELU,
  DL_OP_erf = DL_ERF,
};

#endif
