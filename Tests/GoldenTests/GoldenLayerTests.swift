import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// The modules against PyTorch, their parameters loaded from the golden files, in both precisions.
@Suite struct GoldenLayerTests {
  @Test(arguments: [DType.float64, .float32])
  func convolutions(dtype: DType) throws {
    for golden in try Golden.cases("conv2d") {
      let weight = try golden.shape("in/weight")
      let layer = Conv2d(
        inputChannels: weight[1], outputChannels: weight[0], kernelSize: try golden.size("kernel"),
        stride: try golden.size("stride"),
        padding: try golden.size("padding"), bias: golden.flag("bias"))
      try LayerCheck(golden, dtype, layer, ["weight": layer.weight, "bias": layer.bias]).run()
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func linear(dtype: DType) throws {
    for golden in try Golden.cases("matmul") where golden.op == "linear" {
      let weight = try golden.shape("in/weight")
      let layer = Linear(
        inputFeatures: weight[1], outputFeatures: weight[0], bias: golden.flag("bias"))
      try LayerCheck(golden, dtype, layer, ["weight": layer.weight, "bias": layer.bias]).run()
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func layerNorm(dtype: DType) throws {
    for golden in try Golden.cases("normalization") where golden.op == "layer_norm" {
      let features = try golden.shape("in/x").last
      let normalized = golden.flag("affine") ? try golden.shape("in/weight") : [features]
      let layer = LayerNorm(normalizedShape: normalized, eps: try golden.number("eps"))
      let parameters: [String: Parameter?] =
        golden.flag("affine") ? ["weight": layer.weight, "bias": layer.bias] : [:]
      try LayerCheck(golden, dtype, layer, parameters).run()
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func groupInstanceAndRMSNorm(dtype: DType) throws {
    for golden in try Golden.cases("normalization") {
      let (x, affine) = (try golden.shape("in/x"), golden.flag("affine"))
      switch golden.op {
      case "group_norm":
        let layer = GroupNorm(
          groups: Int(try golden.number("groups")), channels: x.last, eps: try golden.number("eps"),
          affine: affine)
        try LayerCheck(golden, dtype, layer, ["weight": layer.weight, "bias": layer.bias]).run()
      case "instance_norm":
        let layer = InstanceNorm(features: x.last, eps: try golden.number("eps"), affine: affine)
        try LayerCheck(golden, dtype, layer, ["weight": layer.weight, "bias": layer.bias]).run()
      case "rms_norm":
        let axes = Int(try golden.number("axes"))
        let layer = RMSNorm(
          normalizedShape: Shape(x.dimensions.suffix(axes)), eps: golden.options["eps"]?.double,
          affine: affine)
        try LayerCheck(golden, dtype, layer, ["weight": layer.weight]).run()
      default: continue
      }
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func batchNorm(dtype: DType) throws {
    let tolerance = Tolerance(dtype)
    for golden in try Golden.cases("normalization") where golden.op == "batch_norm" {
      let layer = BatchNorm(
        features: try golden.shape("in/x").last, eps: try golden.number("eps"),
        momentum: golden.options["momentum"]?.double)
      let check = try LayerCheck(
        golden, dtype, layer, ["weight": layer.weight, "bias": layer.bias])
      try layer.runningMean.value.assign(golden.values("in/running_mean"))
      try layer.runningVar.value.assign(golden.values("in/running_var"))
      check.context.isTraining = golden.flag("training")
      try check.run()
      guard golden.flag("training") else { continue }
      for update in 1...3 {
        if update > 1 { _ = try layer(golden.input("x_\(update)", check.context)) }
        guard update != 2 else { continue }
        tolerance.check(
          try layer.runningMean.value.doubles, try golden.values("f64/out/running_mean_\(update)"),
          "\(golden): running mean \(update)")
        tolerance.check(
          try layer.runningVar.value.doubles, try golden.values("f64/out/running_var_\(update)"),
          "\(golden): running variance \(update)")
      }
      #expect(try layer.numBatchesTracked.value.doubles == [3])
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func prelu(dtype: DType) throws {
    for golden in try Golden.cases("activation") where golden.op == "prelu" {
      let layer = PReLU(count: try golden.shape("in/weight").count)
      try LayerCheck(golden, dtype, layer, ["weight": layer.weight]).run()
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func layersWithoutParameters(dtype: DType) throws {
    for family in ["activation", "pooling", "shape"] {
      for golden in try Golden.cases(family) {
        guard let layer = try golden.layer() else { continue }
        try LayerCheck(golden, dtype, layer, [:]).run()
      }
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func residual(dtype: DType) throws {
    let cases = try Golden.cases("residual")
    #expect(cases.count >= 2)
    for golden in cases {
      let block = try ResidualBlock(golden)
      let check = try LayerCheck(golden, dtype, block.network, block.parameters)
      check.context.isTraining = true
      try check.run()
    }
  }
}

extension GoldenCase {
  /// The module of an op without parameters; nil for ops that have none.
  fileprivate func layer() throws -> (any Layer)? {
    switch op {
    case "relu": return ReLU()
    case "leaky_relu": return LeakyReLU(negativeSlope: try number("negative_slope"))
    case "sigmoid": return Sigmoid()
    case "tanh": return Tanh()
    case "gelu": return GELU(approximation: options["approximate"] == "tanh" ? .tanh : .none)
    case "silu": return SiLU()
    case "softmax": return Softmax()
    case "flatten":
      return options["order"]?.string == "CL" ? Flatten(channelsFirst: true) : Flatten()
    case "global_avg_pool2d": return GlobalAvgPool2d()
    case "max_pool2d":
      let window = try window()
      return MaxPool2d(
        kernelSize: window.kernel, stride: window.stride, padding: try size("padding"),
        ceilMode: flag("ceil_mode"))
    case "avg_pool2d":
      let window = try window()
      return AvgPool2d(
        kernelSize: window.kernel, stride: window.stride, padding: try size("padding"),
        countIncludePad: flag("count_include_pad"), ceilMode: flag("ceil_mode"))
    case "log_softmax": return LogSoftmax()
    case "relu6": return ReLU6()
    case "hard_sigmoid": return HardSigmoid()
    case "hard_swish": return HardSwish()
    case "elu": return ELU(alpha: try number("alpha"))
    case "selu": return SELU()
    case "softplus":
      return Softplus(beta: try number("beta"), threshold: try number("threshold"))
    case "maxout": return Maxout(pieces: Int(try number("pieces")))
    case "prelu", "reshape": return nil
    default: throw MissingGolden("\(name): op \(op) has no layer")
    }
  }
}

/// `relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x))`.
private struct ResidualBlock {
  let network: Sequential
  let parameters: [String: Parameter?]

  init(_ golden: GoldenCase) throws {
    let (channels, out) = (try golden.shape("in/x")[3], try golden.shape("in/conv1_weight")[0])
    let stride = try golden.size("stride")
    let conv1 = Conv2d(
      inputChannels: channels, outputChannels: out, kernelSize: 3, stride: stride, padding: 1,
      bias: false)
    let conv2 = Conv2d(
      inputChannels: out, outputChannels: out, kernelSize: 3, padding: 1, bias: false)
    let (bn1, bn2) = (BatchNorm(features: out), BatchNorm(features: out))
    var parameters: [String: Parameter?] = [
      "conv1_weight": conv1.weight, "bn1_weight": bn1.weight, "bn1_bias": bn1.bias,
      "conv2_weight": conv2.weight, "bn2_weight": bn2.weight, "bn2_bias": bn2.bias,
    ]
    var shortcut: Sequential?
    if golden.names("in").contains("shortcut_weight") {
      let conv = Conv2d(
        inputChannels: channels, outputChannels: out, kernelSize: 1, stride: stride, bias: false)
      let norm = BatchNorm(features: out)
      parameters["shortcut_weight"] = conv.weight
      parameters["shortcut_bn_weight"] = norm.weight
      parameters["shortcut_bn_bias"] = norm.bias
      shortcut = Sequential(conv, norm)
    }
    let branch = Sequential(conv1, bn1, ReLU(), conv2, bn2)
    network = Sequential(Residual(branch, shortcut: shortcut), ReLU())
    self.parameters = parameters
  }
}
