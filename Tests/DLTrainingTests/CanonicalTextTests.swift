import DLConfiguration
import DLLayers
import DLModels
import DLTestSupport
import DLTraining
import Testing

/// The options of every layer, loss, augmentation and model as a configuration writes them back.
///
/// A checkpoint is known by a hash of this text: names, keys, their order and defaults stay as they
/// were when it was recorded. What is new needs no line here.
@Suite struct CanonicalTextTests {
  @Test func optionsAreWrittenAsTheyWere() throws {
    try expect(layers, LayerRegistry.builtIn.map { ($0.word, $0.init().node) })
    try expect(losses, LossRegistry.builtIn.map { ($0.word, $0.init().node) })
    try expect(augmentations, AugmentationRegistry.builtIn.map { ($0.word, $0.init().node) })
    try expect(models, ModelRegistry.builtIn.map { ($0.name, $0.init().node) })
  }

  private func expect(_ recorded: String, _ types: [(name: String, node: ConfigurationNode)]) throws
  {
    let lines = recorded.split(separator: "\n").filter { !$0.hasPrefix(" ") }
    let entries = try lines.map { line in
      let type = try #require(types.first { line.hasPrefix($0.name + ":") }, "\(line)")
      return ConfigurationNode.Entry(type.name, type.node)
    }
    #expect(ConfigurationNode(.mapping(entries)).yaml() == recorded + "\n")
  }
}

private let layers = """
  conv1d: {out: 0, kernel: 1, stride: 1, padding: 0, dilation: 1, groups: 1, bias: true}
  conv2d: {out: 0, kernel: 1, stride: 1, padding: 0, dilation: 1, groups: 1, bias: true}
  conv_transpose1d:
    out: 0
    kernel: 1
    stride: 1
    padding: 0
    output_padding: 0
    dilation: 1
    groups: 1
    bias: true
  conv_transpose2d:
    out: 0
    kernel: 1
    stride: 1
    padding: 0
    output_padding: 0
    dilation: 1
    groups: 1
    bias: true
  batch_norm: {eps: 1.0e-05, momentum: 0.1, affine: true}
  layer_norm: {normalized_shape: null, eps: 1.0e-05}
  group_norm: {num_groups: 0, eps: 1.0e-05, affine: true}
  instance_norm: {eps: 1.0e-05, affine: false}
  rms_norm: {normalized_shape: null, eps: null, elementwise_affine: true}
  relu: {}
  leaky_relu: {negative_slope: 0.01}
  sigmoid: {}
  tanh: {}
  gelu: {approximate: none}
  silu: {}
  softmax: {}
  log_softmax: {}
  relu6: {}
  hardsigmoid: {}
  hardswish: {}
  elu: {alpha: 1.0}
  selu: {}
  softplus: {beta: 1.0, threshold: 20.0}
  prelu: {num_parameters: 1, init: 0.25}
  maxout: {pieces: 2}
  max_pool1d: {kernel: 1, stride: 1, padding: 0, dilation: 1, ceil_mode: false}
  max_pool2d: {kernel: 1, stride: 1, padding: 0, dilation: 1, ceil_mode: false}
  avg_pool1d: {kernel: 1, stride: 1, padding: 0, count_include_pad: true, ceil_mode: false}
  avg_pool2d: {kernel: 1, stride: 1, padding: 0, count_include_pad: true, ceil_mode: false}
  adaptive_avg_pool1d: {output_size: 1}
  adaptive_avg_pool2d: {output_size: 1}
  adaptive_max_pool1d: {output_size: 1}
  adaptive_max_pool2d: {output_size: 1}
  global_avg_pool1d: {}
  global_avg_pool2d: {}
  global_max_pool1d: {}
  global_max_pool2d: {}
  upsample: {size: null, scale_factor: null, mode: nearest, align_corners: false}
  pixel_shuffle: {upscale_factor: 1}
  pixel_unshuffle: {downscale_factor: 1}
  zero_pad2d: {top: 0, bottom: 0, left: 0, right: 0}
  spatial_transformer: {layers: [], size: null, padding_mode: zeros, align_corners: false}
  residual: {layers: [], shortcut: null}
  flatten: {}
  dropout: {p: 0.5}
  channel_dropout: {p: 0.5}
  drop_path: {p: 0.1}
  linear: {out: 0, bias: true}
  rnn:
    hidden: 0
    layers: 1
    bias: true
    dropout: 0.0
    bidirectional: false
    return: sequence
    nonlinearity: tanh
  lstm: {hidden: 0, layers: 1, bias: true, dropout: 0.0, bidirectional: false, return: sequence}
  gru: {hidden: 0, layers: 1, bias: true, dropout: 0.0, bidirectional: false, return: sequence}
  embedding: {entries: 0, size: 0, padding_idx: null, max_norm: null, norm_type: 2.0, frozen: false}
  embedding_bag: {entries: 0, size: 0, mode: mean, padding_idx: null}
  positional: {kind: sinusoidal, length: null}
  multi_head_attention:
    heads: 0
    bias: true
    dropout: 0.0
    causal: false
    window: null
    rotary: none
  transformer_encoder_layer:
    heads: 0
    feed_forward: 2048
    dropout: 0.1
    activation: relu
    norm_first: false
    causal: false
    window: null
    rotary: none
  """

private let losses = """
  cross_entropy: {weight: null, ignore_index: null, label_smoothing: 0.0}
  nll: {weight: null, ignore_index: null}
  mse: {}
  mae: {}
  huber: {delta: 1.0}
  smooth_l1: {beta: 1.0}
  bce: {}
  bce_with_logits: {pos_weight: null}
  multi_label_soft_margin: {weight: null}
  focal: {alpha: 0.25, gamma: 2.0}
  kl_div: {log_target: false}
  ctc: {blank: 0, zero_infinity: false}
  """

private let augmentations = """
  pad_crop: {padding: 4, padding_mode: constant}
  flip: {p: 0.5}
  alternating_flip: {}
  cutout: {size: 8}
  brightness: {strength: 0.2}
  contrast: {strength: 0.2}
  random_resized_crop: {scale: [0.08, 1.0], ratio: [0.75, 1.3333333333333333]}
  color_jitter: {brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.0}
  rotation: {degrees: 15.0}
  rand_augment: {num_ops: 2, magnitude: 9}
  """

private let models = """
  lenet5: {}
  digits_cnn: {}
  resnet_cifar: {depth: 20, shortcut: pad, zero_init_residual: false}
  dcgan: {latent: 100, width: 64, features: null}
  gpt: {layers: 4, width: 128, heads: 4, dropout: 0.0}
  lstm_lm: {layers: 2, hidden: 256, embedding: null, dropout: 0.0}
  transformer:
    layers: 3
    width: 256
    heads: 8
    feed_forward: 1024
    dropout: 0.1
    norm_first: true
    label_smoothing: 0.1
    beam: 4
  gcn: {hidden: 16, dropout: 0.5}
  """
