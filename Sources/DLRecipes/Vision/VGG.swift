extension Recipe {
  /// VGG-11 on CIFAR-10 with a quarter of the channels.
  static let vgg11CIFAR10 = vgg("11", convolutions: [1, 1, 2, 2, 2], lr: 0.05)

  /// VGG-16 on CIFAR-10 with a quarter of the channels.
  static let vgg16CIFAR10 = vgg("16", convolutions: [2, 2, 3, 3, 3], lr: 0.05)

  /// Stages of 3x3 convolutions with batch norm, each followed by pooling, and one linear layer.
  ///
  /// Simonyan and Zisserman 2015, table 1, columns A and D; Ioffe and Szegedy 2015. A quarter of the
  /// channels as in "Dive into Deep Learning", section 8.2.
  private static func vgg(_ depth: String, convolutions: [Int], lr: Double) -> Recipe {
    let stages = zip([16, 32, 64, 128, 128], convolutions).map { out, count in
      "    - {stage: {out: \(out), convolutions: \(count)}}"
    }
    return Recipe(
      name: "vgg\(depth)-cifar10",
      summary: "VGG-\(depth) with batch norm on CIFAR-10, a quarter of the channels",
      standIn: CIFAR10.standIn, dataHelp: CIFAR10.help,
      notes: "The published width: --set model.blocks.stage.parameters.width=4",
      yaml: """
        name: vgg\(depth)-cifar10
        \(CIFAR10.data)
        model:
          blocks:
            stage:
              parameters: {out: null, convolutions: 1, width: 1}
              layers:
                - repeat:
                    times: $convolutions
                    layers:
                      - {conv2d: {out: $width * $out, kernel: 3, padding: 1, bias: false}}
                      - batch_norm
                      - relu
                - {max_pool2d: {kernel: 2}}
          layers:
        \(stages.joined(separator: "\n"))
            - flatten
            - {linear: {out: 10}}
        \(CIFAR10.training(lr: lr, epochs: 10))
        """)
  }
}
