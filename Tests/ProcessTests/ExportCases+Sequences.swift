extension ExportCase {
  static let sequences = [
    ExportCase(
      "norms-sequence", .sequence,
      """
      {concat: {branches: [[batch_norm], [layer_norm], [{group_norm: {num_groups: 2}}],
      [instance_norm], [rms_norm]]}}
      """),
    ExportCase(
      "norms-row", .row,
      """
      {concat: {branches: [[batch_norm], [layer_norm], [{group_norm: {num_groups: 2}}],
      [rms_norm]]}}
      """),
    ExportCase(
      "spectral-norm1d", .sequence,
      """
      {spectral_norm: {layers: [{conv1d: {out: 4, kernel: 3}}]}}
      """),
    ExportCase(
      "activations-sequence", .sequence,
      """
      {concat: {branches: [[relu], [{leaky_relu: {negative_slope: 0.2}}], [sigmoid], [tanh],
      [gelu], [{gelu: {approximate: tanh}}], [silu], [softmax], [log_softmax], [relu6],
      [hardsigmoid], [hardswish], [{elu: {alpha: 0.5}}], [selu], [softplus], [{softplus:
      {beta: 2, threshold: 1}}], [prelu], [{prelu: {num_parameters: 4}}], [{maxout: {pieces:
      2}}]]}}
      """),
    ExportCase(
      "activations-row", .row,
      """
      {linear: {out: 4}},
      {concat: {branches: [[relu], [{leaky_relu: {negative_slope: 0.2}}], [sigmoid], [tanh],
      [gelu], [{gelu: {approximate: tanh}}], [silu], [softmax], [log_softmax], [relu6],
      [hardsigmoid], [hardswish], [{elu: {alpha: 0.5}}], [selu], [softplus], [{softplus:
      {beta: 2, threshold: 1}}], [prelu], [{prelu: {num_parameters: 4}}], [{maxout: {pieces:
      2}}]]}}
      """),
    ExportCase(
      "unflatten", .row,
      """
      {linear: {out: 16}},
      {unflatten: {shape: [2, 2, 4]}},
      {conv_transpose2d: {out: 3, kernel: 2, stride: 2}}
      """),
    ExportCase(
      "conv1d", .sequence,
      """
      {conv1d: {out: 4, kernel: 3, padding: [2, 0], dilation: 1}},
      relu,
      {conv1d: {out: 6, kernel: 3, padding: same, groups: 2}},
      {conv1d: {out: 4, kernel: 2, stride: 2, dilation: 2}}
      """),
    ExportCase(
      "conv-transpose1d", .sequence,
      """
      {conv_transpose1d: {out: 4, kernel: 3, stride: 2, padding: 1, output_padding: 1}},
      layer_norm
      """),
    ExportCase(
      "pool1d", .sequence,
      """
      {concat: {branches: [[{max_pool1d: {kernel: 3, stride: 2, padding: 1}}, flatten],
      [{max_pool1d: {kernel: 3, stride: 2, ceil_mode: true}}, flatten], [{avg_pool1d: {kernel:
      3, stride: 2, padding: 1, count_include_pad: false}}, flatten], [{avg_pool1d: {kernel:
      4, ceil_mode: true}}, flatten], [{adaptive_avg_pool1d: {output_size: 3}}, flatten],
      [{adaptive_max_pool1d: {output_size: 4}}, flatten], [global_avg_pool1d],
      [global_max_pool1d]]}}
      """),
    ExportCase(
      "upsample1d", .sequence,
      """
      {concat: {branches: [[{upsample: {scale_factor: 2}}, flatten], [{upsample: {size: 7}},
      flatten], [{upsample: {scale_factor: 2, mode: linear}}, flatten], [{upsample: {size: 15,
      mode: linear, align_corners: true}}, flatten]]}}
      """),
    ExportCase(
      "rnn", .sequence,
      """
      {rnn: {hidden: 5}},
      {rnn: {hidden: 4, nonlinearity: relu, bidirectional: true, layers: 2}},
      {rnn: {hidden: 4, bias: false, return: last}}
      """),
    ExportCase(
      "lstm", .sequence,
      """
      {lstm: {hidden: 5}},
      {lstm: {hidden: 4, bidirectional: true, layers: 2, dropout: 0.1}},
      {lstm: {hidden: 4, bias: false, bidirectional: true, return: last}}
      """),
    ExportCase(
      "gru", .sequence,
      """
      {gru: {hidden: 5}},
      {gru: {hidden: 4, bidirectional: true, layers: 2}},
      {gru: {hidden: 4, bias: false, return: last}}
      """),
    ExportCase(
      "attention", .sequence,
      """
      positional,
      {multi_head_attention: {heads: 2}},
      {multi_head_attention: {heads: 1, bias: false, causal: true, rotary: interleaved}},
      {multi_head_attention: {heads: 1, window: 2, rotary: half}}
      """),
    ExportCase(
      "transformer", .sequence,
      """
      {transformer_encoder_layer: {heads: 2, feed_forward: 8}},
      {transformer_encoder_layer: {heads: 2, feed_forward: 8, activation: gelu_tanh, causal:
      true}},
      {transformer_encoder_layer: {heads: 1, feed_forward: 8, norm_first: true, activation:
      gelu, window: 3, rotary: half}}
      """),
    ExportCase(
      "flatten-text", .sequence,
      """
      {linear: {out: 3}},
      flatten
      """),
    ExportCase(
      "averaged", .row, "{linear: {out: 4}}, batch_norm", more: "average: {name: ema_ramp}"),
    ExportCase("double", .row, "{linear: {out: 4}}, batch_norm", more: "precision: float64"),
  ]

  static let texts = [
    ExportCase(
      "embedding", .tokens,
      """
      {embedding: {entries: 20, size: 4}},
      {positional: {kind: learned, length: 12}}
      """),
    ExportCase(
      "embedding-norm", .tokens,
      """
      {embedding: {entries: 20, size: 4, max_norm: 1.5}}
      """),
    ExportCase(
      "one-hot", .tokens,
      """
      {one_hot: {classes: 20}},
      {linear: {out: 4}}
      """),
    ExportCase(
      "embedding-bag", .tokens,
      """
      {concat: {branches: [[{embedding_bag: {entries: 20, size: 4}}], [{embedding_bag:
      {entries: 20, size: 4, mode: sum}}], [{embedding_bag: {entries: 20, size: 4, mode:
      max}}]]}}
      """),
    ExportCase(
      "embedding-bag-padding", .tokens,
      """
      {concat: {branches: [[{embedding_bag: {entries: 20, size: 4, padding_idx: 0}}],
      [{embedding_bag: {entries: 20, size: 4, mode: sum, padding_idx: 0}}], [{embedding_bag:
      {entries: 20, size: 4, mode: max, padding_idx: 0}}]]}}
      """),
    ExportCase(
      "padded-lstm", .tokens,
      """
      {embedding: {entries: 20, size: 4, padding_idx: 0}},
      {lstm: {hidden: 4, bidirectional: true}},
      {gru: {hidden: 3, return: last}}
      """),
    ExportCase(
      "padded-conv1d", .tokens,
      """
      {embedding: {entries: 20, size: 4, padding_idx: 0}},
      {conv1d: {out: 4, kernel: 3, stride: 2}},
      {max_pool1d: {kernel: 2, stride: 1}},
      {avg_pool1d: {kernel: 2, stride: 1}},
      {concat: {branches: [[global_avg_pool1d], [global_max_pool1d]]}}
      """),
    ExportCase(
      "padded-transformer", .tokens,
      """
      {embedding: {entries: 20, size: 4, padding_idx: 0}},
      positional,
      {transformer_encoder_layer: {heads: 2, feed_forward: 8, window: 2}},
      class_token,
      {multi_head_attention: {heads: 2}},
      global_avg_pool1d
      """),
    ExportCase(
      "padded-branches", .tokens,
      """
      {embedding: {entries: 20, size: 4, padding_idx: 0}},
      {residual: {layers: [{linear: {out: 4}}, {gru: {hidden: 4}}]}},
      {sum: {branches: [[{conv1d: {out: 4, kernel: 3, padding: 1}}], [layer_norm, {dropout: {p: 0.1}}]]}},
      {concat: {branches: [[batch_norm], [{sequential: {layers: [relu, {lstm: {hidden: 2}}]}}]]}},
      {multiply: {branches: [[{multi_head_attention: {heads: 2, causal: true}}],
      [global_max_pool1d, {linear: {out: 6}}, sigmoid]]}},
      {transformer_encoder_layer: {heads: 2, feed_forward: 8, norm_first: true}},
      global_avg_pool1d
      """),
    // The ends that an embedding within a branch finds are the others' too.
    ExportCase(
      "padded-inside", .tokens,
      """
      {concat: {branches: [[{embedding: {entries: 20, size: 4, padding_idx: 0}}, {gru: {hidden:
      4}}], [{embedding: {entries: 20, size: 4}}]]}},
      global_avg_pool1d
      """),
    ExportCase(
      "lengths", .lengths,
      """
      {conv1d: {out: 4, kernel: 3, padding: 1}},
      {gru: {hidden: 4, return: last}}
      """),
    ExportCase(
      "lengths-pools", .lengths,
      """
      {rnn: {hidden: 4, nonlinearity: relu, layers: 2, bidirectional: true}},
      {max_pool1d: {kernel: 3, stride: 2, ceil_mode: true}},
      {avg_pool1d: {kernel: 2, padding: 1, count_include_pad: false}},
      {lstm: {hidden: 4, bidirectional: true, return: last}}
      """),
    // ONNX has no form for these; PyTorch takes row by row.
    ExportCase(
      "lengths-rows", .lengths,
      """
      {concat: {branches: [[{group_norm: {num_groups: 2}}], [{instance_norm: {affine: true}}]]}},
      {concat: {axis: 1, branches: [[{adaptive_avg_pool1d: {output_size: 3}}],
      [{adaptive_max_pool1d: {output_size: 2}}]]}}
      """, isONNX: false),
  ]
}
