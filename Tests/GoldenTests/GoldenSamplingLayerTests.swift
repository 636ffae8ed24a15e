import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// The pooling, resizing and rearranging layers against PyTorch, in both precisions.
@Suite struct GoldenSamplingLayerTests {
  @Test(arguments: [DType.float64, .float32])
  func layers(dtype: DType) throws {
    var checked: Set<String> = []
    for golden in try Golden.cases("sampling") {
      guard let layer = try golden.samplingLayer() else { continue }
      try LayerCheck(golden, dtype, layer, [:]).run()
      checked.insert(golden.op)
    }
    #expect(checked.count == 14)
  }

  /// The map starts as the identity, so that the first output is the image.
  @Test(arguments: [true, false])
  func spatialTransformerStartsAsTheIdentity(alignCorners: Bool) throws {
    Engine.current.select()
    let context = Context(precision: .float64)
    let layer = SpatialTransformer(
      localization: Sequential(
        MaxPool2d(kernelSize: 2), Conv2d(inputChannels: 3, outputChannels: 2, kernelSize: 2),
        ReLU(),
        Flatten()),
      features: 2, alignCorners: alignCorners)
    #expect(try layer.outputShape(for: [5, 4, 3]) == [5, 4, 3])
    let arena = try ParameterArena(layer, context: context)
    #expect(
      arena.parameters.map(\.name) == [
        "localization.1.weight", "localization.1.bias", "theta.weight", "theta.bias",
      ])
    var stream = RandomStream(RandomKey(5))
    let x = try Tensor.values(
      (0..<120).map { _ in stream.normal() }, shape: [2, 5, 4, 3], context: context)
    let y = try context.recording { try layer(x.requiringGradient()) }
    for (want, got) in compared(x.doubles, y.doubles) { #expect(abs(want - got) < 1e-12) }
    try context.backward(from: y, gradient: .full(y.shape, 1, context: context))
    #expect(try layer.theta.weight.value.isGradientWritten)
  }
}

extension GoldenCase {
  fileprivate func samplingLayer() throws -> (any Layer)? {
    switch op {
    case "max_pool1d":
      return MaxPool1d(
        kernelSize: count("kernel"), stride: count("stride"), padding: count("padding"),
        dilation: count("dilation"), ceilMode: flag("ceil_mode"))
    case "avg_pool1d":
      return AvgPool1d(
        kernelSize: count("kernel"), stride: count("stride"), padding: count("padding"),
        countIncludePad: flag("count_include_pad"), ceilMode: flag("ceil_mode"))
    case "adaptive_avg_pool1d": return AdaptiveAvgPool1d(outputSize: count("output_size"))
    case "adaptive_max_pool1d": return AdaptiveMaxPool1d(outputSize: count("output_size"))
    case "adaptive_avg_pool2d": return AdaptiveAvgPool2d(outputSize: try size("output_size"))
    case "adaptive_max_pool2d": return AdaptiveMaxPool2d(outputSize: try size("output_size"))
    case "global_avg_pool1d": return GlobalAvgPool1d()
    case "global_max_pool1d": return GlobalMaxPool1d()
    case "global_max_pool2d": return GlobalMaxPool2d()
    case "upsample":
      if let factor = try scale() { return Upsample(by: factor, interpolation) }
      return Upsample(to: try size("size"), interpolation)
    case "upsample1d":
      if let factor = options["scale_factor"]?.double {
        return Upsample(by: Scale2d(factor, factor), interpolation)
      }
      return Upsample(to: Size2d(count("size"), count("size")), interpolation)
    case "pixel_shuffle": return PixelShuffle(upscaleFactor: count("factor"))
    case "pixel_unshuffle": return PixelUnshuffle(downscaleFactor: count("factor"))
    case "zero_pad2d":
      let sides = try integers("sides")
      return ZeroPad2d(top: sides[0], bottom: sides[1], left: sides[2], right: sides[3])
    default: return nil
    }
  }
}
