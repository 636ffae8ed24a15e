extension Recipe {
  /// A small vision Transformer on CIFAR-10: patches of 4x4 pixels, six layers of 128 features.
  ///
  /// Dosovitskiy et al. 2021, equations 1 to 4.
  static let vitCIFAR10 = Recipe(
    name: "vit-cifar10", summary: "vision Transformer on 4x4 patches of CIFAR-10",
    standIn: CIFAR10.standIn, dataHelp: CIFAR10.help,
    yaml: """
      name: vit-cifar10
      \(CIFAR10.data)
      model:
        layers:
          - {conv2d: {out: 128, kernel: 4, stride: 4}}
          - tokens
          - class_token
          - {positional: {kind: learned, init: {normal: {std: 0.02}}}}
          - repeat:
              times: 6
              layers:
                - transformer_encoder_layer:
                    {heads: 4, feed_forward: 256, dropout: 0.0, activation: gelu, norm_first: true}
          - layer_norm
          - select
          - {linear: {out: 10}}
      loss: cross_entropy
      optimizer: {name: adamw, lr: 0.001, weight_decay: 0.05, clip_norm: 1.0}
      schedule: {name: cosine, warmup_epochs: 1}
      batch_size: 128
      epochs: 10
      """)
}
