import DLTensor
import DLTestSupport
import Testing

/// What is no number stays one, and batches without rows pass through every op.
@Suite struct SpecialValueTests {
  @Test(arguments: [DType.float32, .float64])
  func notANumberIsPassedOn(dtype: DType) throws {
    let context = Context(precision: dtype)
    let x = try Tensor.values([1, .nan, -1, 2], shape: [1, 4], context: context)
    for y in try [
      x.relu(), x.leakyReLU(), x.sigmoid(), x.tanh(), x.gelu(), x.gelu(.tanh), x.silu(),
    ] {
      #expect(y.doubles.map(\.isNaN) == [false, true, false, false])
    }
    for y in try [x.softmax(), x.logSoftmax(), x.layerNorm(weight: nil, bias: nil)] {
      #expect(y.doubles.allSatisfy { $0.isNaN })
    }
    for y in try [x + x, x - x, x * x, x / x, x + 1, 1 - x, x * 0] {
      #expect(y.doubles.map(\.isNaN) == [false, true, false, false])
    }
    #expect(try x.sum().scalar.isNaN && x.mean().scalar.isNaN)
    #expect(try x.crossEntropySum(labels: .labels([0], context: context)).scalar.isNaN)
    #expect(try x.squaredErrorSum(x).scalar.isNaN)
    // As in PyTorch: a NaN wins in max pooling and in argmax.
    let image = try x.reshape([1, 2, 2, 1])
    #expect(try image.maxPool2d(Window2d(kernel: 2)).doubles.allSatisfy { $0.isNaN })
    #expect(try image.avgPool2d(Window2d(kernel: 2)).doubles.allSatisfy { $0.isNaN })
    #expect(try x.argmax().doubles == [1])
    #expect(try x.relu().doubles[2] == 0)
    let infinite = try Tensor.values([.infinity, 0, -.infinity], shape: [1, 3], context: context)
    #expect(try infinite.relu().doubles == [.infinity, 0, 0])
    #expect(try infinite.sigmoid().doubles == [1, 0.5, 0])
    #expect(try infinite.tanh().doubles == [1, 0, -1])
  }

  /// As torch's threshold_backward and hardtanh_backward: where a gate is flat, an infinite gradient ends.
  @Test(arguments: [DType.float32, .float64])
  func closedGatesLetNoInfinityThrough(dtype: DType) throws {
    let context = Context(precision: dtype)
    let gates: [(Tensor) throws -> Tensor] = [
      { try $0.relu() }, { try $0.relu6() }, { try $0.hardSigmoid() }, { try $0.hardSwish() },
    ]
    for gate in gates {
      let x = try Tensor.values([-7, 1], shape: [2], context: context).requiringGradient()
      let y = try context.recording { try gate(x) }
      let upstream = try Tensor.values([.infinity, 1], shape: [2], context: context)
      try context.backward(from: y, gradient: upstream)
      let gradient = try #require(x.gradient).doubles
      #expect(gradient[0] == 0 && gradient[1] > 0, "\(gradient)")
    }
  }

  @Test(arguments: [DType.float32, .float64])
  func batchesWithoutRows(dtype: DType) throws {
    let context = Context(precision: dtype)
    func check(
      _ name: String, _ shape: Shape, _ parameters: [Shape], gives result: Shape,
      _ function: (Tensor, [Tensor]) throws -> Tensor
    ) throws {
      let x = try Tensor.zeros(shape, context: context).requiringGradient()
      let parameters = try parameters.map {
        try Tensor.full($0, 0.5, context: context).requiringGradient()
      }
      let y = try context.recording { try function(x, parameters) }
      #expect(y.shape == result, "\(name)")
      let upstream = try Tensor.full(y.shape, 1, dtype: y.dtype, context: context)
      try context.backward(from: y, gradient: upstream)
      for parameter in parameters {
        let gradient = try #require(parameter.gradient, "\(name)")
        #expect(gradient.doubles.allSatisfy { $0 == 0 }, "\(name)")
      }
    }
    try check("linear", [0, 3], [[4, 3], [4]], gives: [0, 4]) { try $0.linear($1[0], bias: $1[1]) }
    try check("linear of nothing", [2, 0], [[4, 0]], gives: [2, 4]) {
      let y = try $0.linear($1[0])
      #expect(y.doubles.allSatisfy { $0 == 0 })
      return y
    }
    try check("matmul", [0, 3], [[3, 2]], gives: [0, 2]) { try $0.matmul($1[0]) }
    try check("matmul over nothing", [2, 0], [[0, 3]], gives: [2, 3]) { x, parameters in
      let y = try x.matmul(parameters[0])
      #expect(y.doubles.allSatisfy { $0 == 0 })
      return y
    }
    for (kernel, out) in [(3, 4), (3, 40), (1, 4)] {
      try check(
        "conv2d", [0, 5, 4, 3], [[kernel, kernel, 3, out], [out]], gives: [0, 5, 4, out]
      ) {
        try $0.conv2d($1[0], bias: $1[1], padding: kernel == 3 ? 1 : 0)
      }
    }
    let window = Window2d(kernel: 2, stride: 2)
    try check("max_pool2d", [0, 4, 6, 3], [], gives: [0, 2, 3, 3]) { x, _ in try x.maxPool2d(window)
    }
    try check("avg_pool2d", [0, 4, 6, 3], [], gives: [0, 2, 3, 3]) { x, _ in try x.avgPool2d(window)
    }
    try check("global_avg_pool2d", [0, 4, 6, 3], [], gives: [0, 3]) { x, _ in
      try x.globalAvgPool2d()
    }
    try check("layer_norm", [0, 3], [[3], [3]], gives: [0, 3]) {
      try $0.layerNorm(weight: $1[0], bias: $1[1])
    }
    try check("batch_norm", [0, 2, 2, 3], [[3], [3]], gives: [0, 2, 2, 3]) {
      let running = RunningStatistics(
        mean: try .zeros([3], context: context), variance: try .full([3], 1, context: context),
        momentum: 0.1)
      return try $0.batchNorm(weight: $1[0], bias: $1[1], running: running)
    }
    for (name, function) in [
      ("relu", { try $0.relu() }), ("leaky_relu", { try $0.leakyReLU() }),
      ("sigmoid", { try $0.sigmoid() }), ("tanh", { try $0.tanh() }), ("gelu", { try $0.gelu() }),
      ("silu", { try $0.silu() }), ("softmax", { try $0.softmax() }),
      ("log_softmax", { try $0.logSoftmax() }), ("mul", { try $0 * 2 }), ("add", { try $0 + 1 }),
      ("div", { try 1 / $0 }), ("square", { try $0 * $0 }),
      ("dropout", { try $0.dropout(0.5, key: RandomKey(1)) }),
    ] as [(String, (Tensor) throws -> Tensor)] {
      try check(name, [0, 3], [], gives: [0, 3]) { x, _ in try function(x) }
    }
    try check("broadcast add", [0, 3], [[3], []], gives: [0, 3]) { try $0 + $1[0] + $1[1] }
    try check("broadcast div", [0, 3], [[3], [1, 3]], gives: [0, 3]) { try $0 / $1[0] / $1[1] }
    try check("sum", [0, 3], [], gives: []) { x, _ in try x.sum() }
    try check("column sums", [0, 3], [], gives: [3]) { x, _ in
      let y = try x.sum(axis: 0)
      #expect(y.doubles == [0, 0, 0])
      return y
    }
    try check("row sums", [0, 3], [], gives: [0]) { x, _ in try x.sum(axis: 1) }
    try check("row means", [0, 3], [], gives: [0]) { x, _ in try x.mean(axis: 1) }
    try check("flatten", [0, 2, 3, 4], [], gives: [0, 24]) { x, _ in try x.flatten() }
    try check("reshape", [0, 6], [], gives: [0, 2, 3]) { x, _ in try x.reshape([0, 2, 3]) }
    try check("permute", [0, 2, 3], [], gives: [3, 0, 2]) { x, _ in try x.permute(2, 0, 1) }
    try check("cross_entropy", [0, 3], [], gives: []) { x, _ in
      try x.crossEntropySum(labels: .labels([], context: context))
    }
    try check("mse", [0, 3], [], gives: []) { x, _ in
      try x.squaredErrorSum(.zeros([0, 3], context: context))
    }
    try check("bce_with_logits", [0, 3], [], gives: []) { x, _ in
      try x.bceWithLogitsSum(.zeros([0, 3], context: context))
    }
    #expect(try Tensor.zeros([0, 3], context: context).argmax().count == 0)
    #expect(
      try Tensor.zeros([0, 3], context: context).correctCount(labels: .labels([], context: context))
        == 0)
  }
}
