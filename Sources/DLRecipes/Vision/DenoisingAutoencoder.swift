extension Recipe {
  /// An autoencoder of MNIST images that have lost half of their pixels: convolutions down to 7x7,
  /// transposed convolutions back.
  ///
  /// Vincent et al. 2008: masking noise. The whole images are the labels.
  static let autoencoderMNIST = Recipe(
    name: "autoencoder-mnist",
    summary: "denoising autoencoder on MNIST, transposed convolutions, half of the pixels masked",
    dataHelp:
      "pack the four IDX files of MNIST by `dltrain data pack mnist DIR -o mnist`, mask them by "
      + "`python3 scripts/results/noisy_mnist.py mnist noisy`, then add "
      + "--set data.train=noisy/train.safetensors --set data.validation=noisy/test.safetensors",
    yaml: """
      name: autoencoder-mnist
      model:
        layers:
          - {conv2d: {out: 16, kernel: 3, stride: 2, padding: 1, bias: false}}
          - batch_norm
          - relu
          - {conv2d: {out: 32, kernel: 3, stride: 2, padding: 1, bias: false}}
          - batch_norm
          - relu
          - {conv2d: {out: 32, kernel: 3, padding: 1, bias: false}}
          - batch_norm
          - relu
          - {conv_transpose2d: {out: 16, kernel: 4, stride: 2, padding: 1, bias: false}}
          - batch_norm
          - relu
          - {conv_transpose2d: {out: 1, kernel: 4, stride: 2, padding: 1}}
      loss: mse
      optimizer: {name: adam, lr: 0.002}
      schedule: {name: cosine}
      batch_size: 128
      epochs: 5
      """)
}
