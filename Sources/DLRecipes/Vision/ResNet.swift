extension Recipe {
  /// ResNet-18 on CIFAR-10 with a quarter of the channels.
  static let resnet18CIFAR10 = resnet(
    "18", counts: [2, 2, 2, 2],
    block: """
              - residual:
                  layers:
                    - {conv2d: {out: $out, kernel: 3, stride: $stride, padding: 1, bias: false}}
                    - batch_norm
                    - relu
                    - {conv2d: {out: $out, kernel: 3, padding: 1, bias: false}}
                    - batch_norm
                  shortcut: $shortcut
              - relu
      """, expansion: 1, epochs: 10)

  /// ResNet-50 on CIFAR-10 with a quarter of the channels: 1x1, 3x3 and 1x1 convolutions.
  static let resnet50CIFAR10 = resnet(
    "50", counts: [3, 4, 6, 3],
    block: """
              - residual:
                  layers:
                    - {conv2d: {out: $out, kernel: 1, bias: false}}
                    - batch_norm
                    - relu
                    - {conv2d: {out: $out, kernel: 3, stride: $stride, padding: 1, bias: false}}
                    - batch_norm
                    - relu
                    - {conv2d: {out: 4 * $out, kernel: 1, bias: false}}
                    - batch_norm
                  shortcut: $shortcut
              - relu
      """, expansion: 4, epochs: 5)

  /// Four stages of residual blocks behind a 3x3 convolution, the stem for images of 32x32.
  ///
  /// He et al. 2016, table 1 and figure 5; the stride is that of the 3x3 convolution, as in
  /// torchvision.
  private static func resnet(
    _ depth: String, counts: [Int], block: String, expansion: Int, epochs: Int
  ) -> Recipe {
    let stages = zip([16, 32, 64, 128], counts).enumerated().map { index, stage in
      "    - {stage: {out: \(stage.0), blocks: \(stage.1), stride: \(index == 0 ? 1 : 2)}}"
    }
    // The first stage of basic blocks keeps the shape, so that it needs no projection.
    let first =
      expansion > 1
      ? stages[0] : "    - {repeat: {times: \(counts[0]), layers: [{block: {out: 16}}]}}"
    return Recipe(
      name: "resnet\(depth)-cifar10",
      summary: "ResNet-\(depth) on CIFAR-10, a quarter of the channels",
      standIn: CIFAR10.standIn, dataHelp: CIFAR10.help,
      yaml: """
        name: resnet\(depth)-cifar10
        \(CIFAR10.data)
        model:
          blocks:
            block:
              parameters: {out: null, stride: 1, shortcut: []}
              layers:
        \(block)
            projection:
              parameters: {out: null, stride: null}
              layers: [{conv2d: {out: $out, kernel: 1, stride: $stride, bias: false}}, batch_norm]
            stage:
              parameters: {out: null, blocks: null, stride: 1}
              layers:
                - block:
                    out: $out
                    stride: $stride
                    shortcut: [{projection: {out: \(expansion) * $out, stride: $stride}}]
                - {repeat: {times: $blocks - 1, layers: [{block: {out: $out}}]}}
          layers:
            - {conv2d: {out: 16, kernel: 3, padding: 1, bias: false}}
            - batch_norm
            - relu
        \(([first] + stages.dropFirst()).joined(separator: "\n"))
            - global_avg_pool2d
            - {linear: {out: 10}}
        \(CIFAR10.training(lr: 0.1, epochs: epochs))
        """)
  }
}
