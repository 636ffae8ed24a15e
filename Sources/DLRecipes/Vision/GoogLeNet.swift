extension Recipe {
  /// GoogLeNet on CIFAR-10 with a quarter of the channels: nine inception modules.
  ///
  /// Szegedy et al. 2015, table 1, without auxiliary classifiers; batch norm behind each convolution,
  /// and a stem of one 3x3 convolution for images of 32x32.
  static let googlenetCIFAR10 = Recipe(
    name: "googlenet-cifar10",
    summary: "GoogLeNet with batch norm on CIFAR-10, a quarter of the channels",
    standIn: CIFAR10.standIn, dataHelp: CIFAR10.help,
    notes: "The published width: --set model.blocks.conv.parameters.width=4",
    yaml: """
      name: googlenet-cifar10
      \(CIFAR10.data)
      model:
        blocks:
          conv:
            parameters: {out: null, kernel: 1, width: 1}
            layers:
              - conv2d: {out: $width * $out, kernel: $kernel, padding: ($kernel - 1) / 2, bias: false}
              - batch_norm
              - relu
          inception:                     # 1x1, 3x3 behind 1x1, 5x5 behind 1x1, 1x1 behind pooling
            parameters: {a: null, b1: null, b: null, c1: null, c: null, d: null}
            layers:
              - concat:
                  branches:
                    branch1: [{conv: {out: $a}}]
                    branch2: [{conv: {out: $b1}}, {conv: {out: $b, kernel: 3}}]
                    branch3: [{conv: {out: $c1}}, {conv: {out: $c, kernel: 5}}]
                    branch4: [{max_pool2d: {kernel: 3, stride: 1, padding: 1}}, {conv: {out: $d}}]
          halve:
            layers: [{max_pool2d: {kernel: 3, stride: 2, padding: 1}}]
        layers:
          - {conv: {out: 48, kernel: 3}}
          - halve
          - {inception: {a: 16, b1: 24, b: 32, c1: 4, c: 8, d: 8}}
          - {inception: {a: 32, b1: 32, b: 48, c1: 8, c: 24, d: 16}}
          - halve
          - {inception: {a: 48, b1: 24, b: 52, c1: 4, c: 12, d: 16}}
          - {inception: {a: 40, b1: 28, b: 56, c1: 6, c: 16, d: 16}}
          - {inception: {a: 32, b1: 32, b: 64, c1: 6, c: 16, d: 16}}
          - {inception: {a: 28, b1: 36, b: 72, c1: 8, c: 16, d: 16}}
          - {inception: {a: 64, b1: 40, b: 80, c1: 8, c: 32, d: 32}}
          - halve
          - {inception: {a: 64, b1: 40, b: 80, c1: 8, c: 32, d: 32}}
          - {inception: {a: 96, b1: 48, b: 96, c1: 12, c: 32, d: 32}}
          - global_avg_pool2d
          - {dropout: {p: 0.2}}
          - {linear: {out: 10}}
      \(CIFAR10.training(lr: 0.1, epochs: 10))
      """)
}
