import DLTensor
import DLTestSupport
import Testing

/// Runs a case's op on its inputs and gives the outputs by their names in the file.
typealias OpRunner = (GoldenCase, [String: Tensor]) throws -> [String: Tensor]

/// Runs a case in a precision and compares every output and every gradient with PyTorch's.
func check(_ golden: GoldenCase, _ dtype: DType, run: OpRunner) throws {
  Engine.current.select()
  let context = Context(precision: dtype)
  let tolerance = Tolerance(dtype)
  let differentiated = golden.names("f64/grad")
  var inputs: [String: Tensor] = [:]
  for name in golden.names("in") {
    let input = try golden.input(name, context)
    if differentiated.contains(name) { input.requiringGradient() }
    inputs[name] = input
  }
  let outputs = try context.recording { try run(golden, inputs) }
  for name in golden.names("f64/out") {
    let output = try #require(outputs[name], "\(golden): no output \(name)")
    #expect(try output.shape == golden.shape("f64/out/\(name)"), "\(golden): \(name)")
    tolerance.check(output.doubles, try golden.values("f64/out/\(name)"), "\(golden): \(name)")
  }
  let y = try #require(outputs["y"])
  let upstream = try Tensor.values(
    golden.values("in/grad_output"), shape: y.shape, dtype: y.dtype, context: context)
  try context.backward(from: y, gradient: upstream)
  #expect(!differentiated.isEmpty)
  for name in differentiated {
    let gradient = try #require(inputs[name]?.gradient, "\(golden): no gradient of \(name)")
    tolerance.check(
      gradient.doubles, try golden.values("f64/grad/\(name)"), "\(golden): gradient of \(name)")
  }
}

extension GoldenCase {
  /// The runner of this case's op.
  func runner() throws -> OpRunner {
    for runners in [
      GoldenCase.products, GoldenCase.convolutions, GoldenCase.windows, GoldenCase.samplings,
      GoldenCase.norms, GoldenCase.activations,
      GoldenCase.shapes, GoldenCase.arithmetic, GoldenCase.reductions, GoldenCase.losses,
      GoldenCase.recurrent, GoldenCase.structure, GoldenCase.attention, GoldenCase.pointwise,
      GoldenCase.penalties,
    ] {
      if let runner = runners[op] { return runner }
    }
    if let runner = try criterion() { return runner }
    throw MissingGolden("\(name): op \(op) has no runner")
  }

  private static var products: [String: OpRunner] {
    [
      "matmul": { ["y": try $1.get("a").matmul($1.get("b"))] },
      "linear": { ["y": try $1.get("x").linear($1.get("weight"), bias: $1["bias"])] },
    ]
  }

  private static var windows: [String: OpRunner] {
    [
      "max_pool2d": {
        ["y": try $1.get("x").maxPool2d($0.window(), ceilMode: $0.flag("ceil_mode"))]
      },
      "avg_pool2d": {
        [
          "y": try $1.get("x").avgPool2d(
            $0.window(), countIncludePad: $0.flag("count_include_pad"),
            ceilMode: $0.flag("ceil_mode"))
        ]
      },
      "global_avg_pool2d": { ["y": try $1.get("x").globalAvgPool2d()] },
    ]
  }

  private static var norms: [String: OpRunner] {
    [
      "layer_norm": {
        [
          "y": try $1.get("x").layerNorm(
            weight: $1["weight"], bias: $1["bias"], eps: $0.number("eps"))
        ]
      },
      "rms_norm": {
        [
          "y": try $1.get("x").rmsNorm(
            weight: $1["weight"], eps: $0.options["eps"]?.double, axes: Int($0.number("axes")))
        ]
      },
      "group_norm": {
        [
          "y": try $1.get("x").groupNorm(
            groups: Int($0.number("groups")), weight: $1["weight"], bias: $1["bias"],
            eps: $0.number("eps"))
        ]
      },
      "instance_norm": {
        [
          "y": try $1.get("x").instanceNorm(
            weight: $1["weight"], bias: $1["bias"], eps: $0.number("eps"))
        ]
      },
      "batch_norm": { golden, inputs in
        let x = try inputs.get("x")
        x.context.isTraining = golden.flag("training")
        var outputs: [String: Tensor] = [:]
        for (index, batch) in [x, inputs["x_2"], inputs["x_3"]].enumerated() {
          guard let batch else { continue }
          let running = RunningStatistics(
            mean: try inputs.get("running_mean"), variance: try inputs.get("running_var"),
            momentum: golden.options["momentum"]?.double ?? 1 / Double(index + 1))
          let y = try batch.batchNorm(
            weight: inputs.get("weight"), bias: inputs.get("bias"), running: running,
            eps: golden.number("eps"))
          if index == 0 { outputs["y"] = y }
          outputs["running_mean_\(index + 1)"] = try running.mean.copy()
          outputs["running_var_\(index + 1)"] = try running.variance.copy()
        }
        return outputs
      },
    ]
  }

  private static var activations: [String: OpRunner] {
    [
      "relu": { ["y": try $1.get("x").relu()] },
      "leaky_relu": { ["y": try $1.get("x").leakyReLU($0.number("negative_slope"))] },
      "sigmoid": { ["y": try $1.get("x").sigmoid()] },
      "tanh": { ["y": try $1.get("x").tanh()] },
      "gelu": {
        let tanh = $0.options["approximate"]?.string == "tanh"
        return ["y": try $1.get("x").gelu(tanh ? .tanh : .none)]
      },
      "silu": { ["y": try $1.get("x").silu()] },
      "softmax": { ["y": try $1.get("x").softmax()] },
      "log_softmax": { ["y": try $1.get("x").logSoftmax()] },
      "relu6": { ["y": try $1.get("x").relu6()] },
      "hard_sigmoid": { ["y": try $1.get("x").hardSigmoid()] },
      "hard_swish": { ["y": try $1.get("x").hardSwish()] },
      "elu": { ["y": try $1.get("x").elu($0.number("alpha"))] },
      "selu": { ["y": try $1.get("x").selu()] },
      "softplus": {
        [
          "y": try $1.get("x").softplus(
            beta: $0.number("beta"), threshold: $0.number("threshold"))
        ]
      },
      "prelu": { ["y": try $1.get("x").prelu($1.get("weight"))] },
      "maxout": { ["y": try $1.get("x").maxout(pieces: Int($0.number("pieces")))] },
    ]
  }

  private static var shapes: [String: OpRunner] {
    [
      "flatten": {
        ["y": try $1.get("x").flatten(channelsFirst: $0.options["order"]?.string == "CL")]
      },
      "reshape": { ["y": try $1.get("x").reshape(Shape($0.integers("shape")))] },
    ]
  }

  private static var arithmetic: [String: OpRunner] {
    func operands(
      _ tensors: @escaping (Tensor, Tensor) throws -> Tensor,
      _ right: @escaping (Tensor, Double) throws -> Tensor,
      _ left: @escaping (Double, Tensor) throws -> Tensor
    ) -> OpRunner {
      { golden, inputs in
        let a = try inputs.get("a")
        if golden.flag("twice") { return ["y": try tensors(a, a)] }
        guard let side = golden.options["number_side"]?.string else {
          return ["y": try tensors(a, inputs.get("b"))]
        }
        let number = try golden.number("number")
        return ["y": side == "left" ? try left(number, a) : try right(a, number)]
      }
    }
    return [
      "add": operands(+, +, +), "sub": operands(-, -, -), "mul": operands(*, *, *),
      "div": operands(/, /, /),
    ]
  }

  private static var reductions: [String: OpRunner] {
    [
      "sum": { golden, inputs in
        let x = try inputs.get("x")
        guard golden.options["axes"] != .null else { return ["y": try x.sum()] }
        return [
          "y": try x.sum(axes: golden.integers("axes"), keepsAxes: golden.flag("keepdim"))
        ]
      },
      "mean": { golden, inputs in
        let x = try inputs.get("x")
        guard golden.options["axes"] != .null else { return ["y": try x.mean()] }
        return [
          "y": try x.mean(axes: golden.integers("axes"), keepsAxes: golden.flag("keepdim"))
        ]
      },
    ]
  }

  private static var losses: [String: OpRunner] {
    [
      "cross_entropy": { ["y": try $1.get("x").crossEntropySum(labels: $1.get("labels"))] },
      "mse": { ["y": try $1.get("x").squaredErrorSum($1.get("target"))] },
      "bce_with_logits": { ["y": try $1.get("x").bceWithLogitsSum($1.get("target"))] },
    ]
  }
}

extension [String: Tensor] {
  func get(_ name: String) throws -> Tensor {
    guard let tensor = self[name] else { throw MissingGolden("no input \(name)") }
    return tensor
  }
}

extension Tensor {
  func copy() throws -> Tensor {
    try Tensor.values(doubles, shape: shape, dtype: dtype, context: context)
  }
}
