/// The way to get the text of both recipes.
private let shakespeareHelp =
  "pack the text by `dltrain data pack text input.txt -o shakespeare`, then add "
  + "--set data.train=shakespeare/train.safetensors "
  + "--set data.validation=shakespeare/validation.safetensors"

extension Recipe {
  /// nanoGPT's character model at the sizes of its CPU settings, with three times their learning
  /// rate.
  static let gptShakespeare = Recipe(
    name: "gpt-shakespeare",
    summary: "GPT of 0.8M parameters on characters of Shakespeare",
    dataHelp: shakespeareHelp,
    yaml: """
      name: gpt-shakespeare
      data: {window: 64}
      model: {name: gpt, layers: 4, width: 128, heads: 4, dropout: 0.0}
      loss: cross_entropy
      optimizer:
        name: adamw
        lr: 3.0e-3
        betas: [0.9, 0.99]
        weight_decay: 0.1
        no_decay: [bias, norm]
        clip_norm: 1.0
      schedule: {name: cosine, warmup_steps: 100, end_factor: 0.03}
      batch_size: 12
      steps: 2000
      validate: {every_steps: 250, batch_size: 64}
      """)

  /// Two LSTM layers, trained in stretches of 64 characters with the state carried on.
  static let lstmShakespeare = Recipe(
    name: "lstm-shakespeare",
    summary:
      "two LSTM layers of 256 on characters of Shakespeare, carried state",
    dataHelp: shakespeareHelp,
    yaml: """
      name: lstm-shakespeare
      data: {window: 64, order: sequential}
      model: {name: lstm_lm, layers: 2, hidden: 256}
      loss: cross_entropy
      optimizer: {name: adam, lr: 2.0e-3, clip_norm: 1.0}
      schedule: {name: cosine, end_factor: 0.05}
      batch_size: 32
      epochs: 5
      validate: {every_epochs: 1, batch_size: 32}
      """)
}
