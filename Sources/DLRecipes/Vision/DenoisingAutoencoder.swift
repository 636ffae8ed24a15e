extension Recipe {
  /// An autoencoder of MNIST whose input loses half of its pixels: convolutions down to 7x7,
  /// transposed convolutions back.
  ///
  /// Vincent et al. 2008: masking noise. The images themselves are the labels.
  static let autoencoderMNIST = Recipe(
    name: "autoencoder-mnist",
    summary: "denoising autoencoder on MNIST, transposed convolutions, half of the pixels masked",
    dataHelp:
      "pack the four IDX files of MNIST by `dltrain data pack mnist DIR -o mnist`, write images as "
      + "labels by `python3 scripts/results/image_targets.py mnist targets`, then add "
      + "--set data.train=targets/train.safetensors --set data.validation=targets/test.safetensors",
    yaml: """
      name: autoencoder-mnist
      model:
        layers:
          - {dropout: {p: 0.5}}
          - {conv2d: {out: 16, kernel: 3, stride: 2, padding: 1}}
          - relu
          - {conv2d: {out: 32, kernel: 3, stride: 2, padding: 1}}
          - relu
          - {conv2d: {out: 32, kernel: 3, padding: 1}}
          - relu
          - {conv_transpose2d: {out: 16, kernel: 4, stride: 2, padding: 1}}
          - relu
          - {conv_transpose2d: {out: 1, kernel: 4, stride: 2, padding: 1}}
          - sigmoid
      loss: mse
      optimizer: {name: adam, lr: 0.002}
      schedule: {name: cosine}
      batch_size: 128
      epochs: 5
      """)
}
