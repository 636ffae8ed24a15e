extension Recipe {
  /// A spatial transformer in front of a small CNN, on shifted digits of MNIST.
  ///
  /// Jaderberg et al. 2015, section 3.1 and 4.1.
  static let stnMNIST = Recipe(
    name: "stn-mnist", summary: "spatial transformer and CNN on MNIST, digits shifted in training",
    standIn: (inputShape: [28, 28, 1], classes: 10),
    dataHelp: Recipe.lenetMNIST.dataHelp,
    notes:
      "Rotated digits: write them by `python3 scripts/results/rotated_mnist.py mnist rotated`, then "
      + "--set data.augment=[] with data of the folder rotated; without the transformer: --set "
      + "model.blocks.transformer.layers=[]",
    yaml: """
      name: stn-mnist
      data:
        normalize: {mean: [0.1307], std: [0.3081]}
        augment: [{pad_crop: {padding: 4}}]
      model:
        blocks:
          transformer:
            layers:
              - spatial_transformer:
                  layers:
                    - {conv2d: {out: 8, kernel: 7}}
                    - {max_pool2d: {kernel: 2}}
                    - relu
                    - {conv2d: {out: 10, kernel: 5}}
                    - {max_pool2d: {kernel: 2}}
                    - relu
                    - flatten
                    - {linear: {out: 32}}
                    - relu
        layers:
          - transformer
          - {conv2d: {out: 10, kernel: 5}}
          - {max_pool2d: {kernel: 2}}
          - relu
          - {conv2d: {out: 20, kernel: 5}}
          - {max_pool2d: {kernel: 2}}
          - relu
          - flatten
          - {linear: {out: 50}}
          - relu
          - {linear: {out: 10}}
      loss: cross_entropy
      optimizer: {name: adam, lr: 0.001}
      schedule: {name: cosine}
      batch_size: 128
      epochs: 5
      """)
}
