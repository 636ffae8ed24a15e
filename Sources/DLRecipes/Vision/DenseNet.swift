extension Recipe {
  /// DenseNet-BC on CIFAR-10 with 40 layers of 12 channels each.
  ///
  /// Huang et al. 2017, section 3: 176,122 parameters; with 16 layers a block it is the one of 100
  /// layers and 0.8 million parameters of table 2.
  static let densenetCIFAR10 = Recipe(
    name: "densenet-cifar10", summary: "DenseNet-BC of 40 layers and growth 12 on CIFAR-10",
    standIn: CIFAR10.standIn, dataHelp: CIFAR10.help,
    notes:
      "100 layers, 769,162 parameters, 4.51% wrong after 300 epochs: "
      + "--set model.blocks.dense.parameters.layers=16 --set model.layers.2.transition.out=108 "
      + "--set model.layers.4.transition.out=150",
    yaml: """
      name: densenet-cifar10
      \(CIFAR10.data)
      model:
        blocks:
          dense:
            parameters: {layers: 6}
            layers: [{dense_block: {layers: $layers, growth: 12, init: {kaiming_normal: {nonlinearity: relu}}}}]
          transition:
            parameters: {out: null}
            layers:
              - batch_norm
              - relu
              - {conv2d: {out: $out, kernel: 1, bias: false}}
              - {avg_pool2d: {kernel: 2}}
        layers:
          - {conv2d: {out: 24, kernel: 3, padding: 1, bias: false}}
          - dense
          - {transition: {out: 48}}
          - dense
          - {transition: {out: 60}}
          - dense
          - batch_norm
          - relu
          - global_avg_pool2d
          - {linear: {out: 10}}
      \(CIFAR10.training(lr: 0.1, epochs: 5))
      """)
}
