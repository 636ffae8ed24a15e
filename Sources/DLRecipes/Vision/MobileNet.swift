extension Recipe {
  /// MobileNet on CIFAR-10 with a quarter of the channels: a 3x3 convolution of each channel by
  /// itself, then a 1x1 convolution.
  ///
  /// Howard et al. 2017, table 1, with the first stride left out for images of 32x32; 3.2 million
  /// parameters at the published width, 4.2 million with 1000 classes.
  static let mobilenetCIFAR10 = Recipe(
    name: "mobilenet-cifar10",
    summary: "MobileNet (depthwise convolutions) on CIFAR-10, a quarter of the channels",
    standIn: CIFAR10.standIn, dataHelp: CIFAR10.help,
    notes:
      "The published width: --set model.blocks.conv.parameters.width=4 "
      + "--set model.blocks.depthwise.parameters.width=4",
    yaml: """
      name: mobilenet-cifar10
      \(CIFAR10.data)
      model:
        blocks:
          conv:
            parameters: {out: null, kernel: 1, stride: 1, width: 1}
            layers:
              - conv2d:
                  out: $width * $out
                  kernel: $kernel
                  stride: $stride
                  padding: ($kernel - 1) / 2
                  bias: false
              - batch_norm
              - relu
          depthwise:                     # groups as many as channels
            parameters: {in: null, stride: 1, width: 1}
            layers:
              - conv2d:
                  out: $width * $in
                  kernel: 3
                  stride: $stride
                  padding: 1
                  groups: $width * $in
                  bias: false
              - batch_norm
              - relu
          separable:
            parameters: {in: null, out: null, stride: 1}
            layers: [{depthwise: {in: $in, stride: $stride}}, {conv: {out: $out}}]
        layers:
          - {conv: {out: 8, kernel: 3}}
          - {separable: {in: 8, out: 16}}
          - {separable: {in: 16, out: 32, stride: 2}}
          - {separable: {in: 32, out: 32}}
          - {separable: {in: 32, out: 64, stride: 2}}
          - {separable: {in: 64, out: 64}}
          - {separable: {in: 64, out: 128, stride: 2}}
          - {repeat: {times: 5, layers: [{separable: {in: 128, out: 128}}]}}
          - {separable: {in: 128, out: 256, stride: 2}}
          - {separable: {in: 256, out: 256}}
          - global_avg_pool2d
          - {linear: {out: 10}}
      \(CIFAR10.training(lr: 0.1, epochs: 10))
      """)
}
