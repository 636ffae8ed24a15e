extension Recipe {
  /// A small Transformer that translates captions from German to English.
  ///
  /// Noam's schedule (Vaswani et al. 2017, equation 3) with its peak at 1.5e-3; the original,
  /// `width^-½ · warmup^-½`, would be 2.2e-3. The mean of the weights takes the place of theirs over
  /// the last checkpoints (section 6.1).
  static let transformerDeEn = Recipe(
    name: "transformer-de-en",
    summary: "Transformer of 3+3 layers, German to English captions (Multi30k)",
    dataHelp:
      "pack the texts by `dltrain data pack parallel train.de train.en val.de val.en "
      + "test_2016_flickr.de test_2016_flickr.en -o multi30k`, then add "
      + "--set data.train=multi30k/train.safetensors --set data.validation=multi30k/val.safetensors",
    yaml: """
      name: transformer-de-en
      data: {order: bucketed}
      model:
        name: transformer
        layers: 3
        width: 256
        heads: 4
        feed_forward: 512
        dropout: 0.2
        label_smoothing: 0.1
        beam: 4
      optimizer: {name: adam, lr: 1.5e-3, betas: [0.9, 0.98], eps: 1.0e-9, clip_norm: 1.0}
      schedule: {name: inverse_sqrt, warmup_steps: 800}
      average: {name: ema, decay: 0.998, start_epochs: 2}
      batch_size: 128
      epochs: 14
      validate: {every_epochs: 2, batch_size: 128}
      """)
}
