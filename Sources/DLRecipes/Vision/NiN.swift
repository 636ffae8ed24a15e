extension Recipe {
  /// Network in network on CIFAR-10 with half of the channels: 1x1 convolutions behind each other one,
  /// and an average over the image in place of linear layers.
  ///
  /// Lin et al. 2014, section 3; batch norm in front of each ReLU.
  static let ninCIFAR10 = Recipe(
    name: "nin-cifar10", summary: "network in network on CIFAR-10, half of the channels",
    standIn: CIFAR10.standIn, dataHelp: CIFAR10.help,
    notes: "The published width: --set model.blocks.conv.parameters.width=2",
    yaml: """
      name: nin-cifar10
      \(CIFAR10.data)
      model:
        blocks:
          conv:
            parameters: {out: null, kernel: 1, width: 1}
            layers:
              - conv2d: {out: $width * $out, kernel: $kernel, padding: ($kernel - 1) / 2, bias: false}
              - batch_norm
              - relu
        layers:
          - {conv: {out: 96, kernel: 5}}
          - {conv: {out: 80}}
          - {conv: {out: 48}}
          - {max_pool2d: {kernel: 3, stride: 2, padding: 1}}
          - {dropout: {p: 0.2}}
          - {conv: {out: 96, kernel: 5}}
          - {conv: {out: 96}}
          - {conv: {out: 96}}
          - {avg_pool2d: {kernel: 3, stride: 2, padding: 1}}
          - {dropout: {p: 0.2}}
          - {conv: {out: 96, kernel: 3}}
          - {conv: {out: 96}}
          - {conv2d: {out: 10, kernel: 1}}
          - global_avg_pool2d
      \(CIFAR10.training(lr: 0.1, epochs: 10))
      """)
}
