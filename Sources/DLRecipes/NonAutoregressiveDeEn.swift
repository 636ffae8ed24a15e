extension Recipe {
  /// All tokens at once, learned from the translations of a Transformer.
  static let natDeEn = Recipe(
    name: "nat-de-en",
    summary: "non-autoregressive Transformer, German to English, taught by transformer-de-en",
    dataHelp:
      "write what the teacher makes of the training texts by `dltrain predict RUN of "
      + "transformer-de-en train.de -o distilled.en`, pack it by `dltrain data pack parallel train.de "
      + "distilled.en val.de val.en test_2016_flickr.de test_2016_flickr.en -o distilled`, then add "
      + "--set data.train=distilled/train.safetensors --set data.validation=distilled/val.safetensors",
    notes:
      "Without a teacher: --set data.train=multi30k/train.safetensors with data of "
      + "transformer-de-en; --set model.beam=1 tries one length, --set model.inputs=positions copies "
      + "nothing",
    yaml: """
      name: nat-de-en
      data: {order: bucketed}
      model: {name: nat, layers: 3, width: 256, heads: 4, feed_forward: 512, dropout: 0.2}
      optimizer: {name: adam, lr: 1.5e-3, betas: [0.9, 0.98], eps: 1.0e-9, clip_norm: 1.0}
      schedule: {name: inverse_sqrt, warmup_steps: 800}
      average: {name: ema, decay: 0.998, start_epochs: 2}
      batch_size: 128
      epochs: 14
      validate: {every_epochs: 2, batch_size: 128}
      """)
}
