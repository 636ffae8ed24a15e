extension Recipe {
  /// A small Transformer that translates captions from German to English.
  ///
  /// The learning rate is the peak of the schedule of Vaswani et al. 2017, equation 3:
  /// `width^-½ · warmup^-½`.
  static let transformerDeEn = Recipe(
    name: "transformer-de-en",
    summary: "Transformer of 3+3 layers, German to English captions (Multi30k), judged by BLEU",
    inputShape: [32], classes: 8000,
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
        heads: 8
        feed_forward: 1024
        dropout: 0.1
        label_smoothing: 0.1
        beam: 4
      optimizer: {name: adam, lr: 1.4e-3, betas: [0.9, 0.98], eps: 1.0e-9, clip_norm: 1.0}
      schedule: {name: inverse_sqrt, warmup_steps: 2000}
      batch_size: 128
      epochs: 15
      validate: {every_epochs: 1, batch_size: 64}
      """)
}
