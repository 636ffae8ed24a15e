import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// The convolution layers against PyTorch, their weights in the file's layout, in both precisions.
@Suite struct GoldenConvolutionLayerTests {
  @Test(arguments: [DType.float64, .float32])
  func layers(dtype: DType) throws {
    for golden in try Golden.cases("convolution") {
      let (layer, weight, bias) = try golden.convolution()
      try LayerCheck(golden, dtype, layer, ["weight": weight, "bias": bias]).run()
    }
  }
}

extension GoldenCase {
  fileprivate func convolution() throws -> (any Layer, Parameter, Parameter?) {
    let (weight, groups, bias) = (try shape("in/weight"), count("groups"), flag("bias"))
    switch op {
    case "conv2d":
      let layer = Conv2d(
        inputChannels: weight[1] * groups, outputChannels: weight[0],
        kernelSize: try size("kernel"), stride: try size("stride"),
        padding: try padding(), dilation: try size("dilation"), groups: groups, bias: bias)
      return (layer, layer.weight, layer.bias)
    case "conv1d":
      let layer = Conv1d(
        inputChannels: weight[1] * groups, outputChannels: weight[0], kernelSize: count("kernel"),
        stride: count("stride"),
        padding: try sequencePadding(), dilation: count("dilation"), groups: groups, bias: bias)
      return (layer, layer.weight, layer.bias)
    case "conv_transpose2d":
      let layer = ConvTranspose2d(
        inputChannels: weight[0], outputChannels: weight[1] * groups,
        kernelSize: try size("kernel"), stride: try size("stride"),
        padding: try size("padding"), outputPadding: try size("output_padding"),
        dilation: try size("dilation"), groups: groups, bias: bias)
      return (layer, layer.weight, layer.bias)
    case "conv_transpose1d":
      let layer = ConvTranspose1d(
        inputChannels: weight[0], outputChannels: weight[1] * groups, kernelSize: count("kernel"),
        stride: count("stride"),
        padding: count("padding"), outputPadding: count("output_padding"),
        dilation: count("dilation"), groups: groups, bias: bias)
      return (layer, layer.weight, layer.bias)
    default: throw MissingGolden("\(name): op \(op) has no layer")
    }
  }
}
