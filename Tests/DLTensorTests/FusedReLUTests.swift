import DLTensor
import DLTestSupport
import Testing

/// An op that takes the ReLU after it into its pass against its decomposition, and against finite
/// differences.
@Suite struct FusedReLUTests {
  private typealias Op = @Sendable ([Tensor], _ relu: Bool) throws -> Tensor

  private static let ops: [(name: String, shapes: [Shape], op: Op)] = [
    ("linear", [[7, 5], [4, 5], [4]], { try $0[0].linear($0[1], bias: $0[2], relu: $1) }),
    ("linear without bias", [[7, 5], [4, 5]], { try $0[0].linear($0[1], relu: $1) }),
    (
      "direct", [[3, 8, 7, 2], [3, 3, 2, 6], [6]],
      { try $0[0].conv2d($0[1], bias: $0[2], padding: 1, relu: $1) }
    ),
    (
      "unrolled", [[2, 6, 5, 3], [3, 3, 3, 36], [36]],
      { try $0[0].conv2d($0[1], bias: $0[2], stride: 2, padding: 1, relu: $1) }
    ),
    ("pointwise", [[2, 6, 5, 3], [1, 1, 3, 4]], { try $0[0].conv2d($0[1], relu: $1) }),
    (
      "batch_norm", [[4, 3, 2, 3], [3], [3]],
      {
        let running = RunningStatistics(
          mean: try .zeros([3], context: $0[0].context),
          variance: try .full([3], 1, context: $0[0].context), momentum: 0.1)
        return try $0[0].batchNorm(
          weight: $0[1], bias: $0[2], running: running, eps: 1e-3, relu: $1)
      }
    ),
  ]

  @Test(arguments: [DType.float32, .float64])
  func isTheDecomposition(dtype: DType) throws {
    Engine.current.select()
    for (name, shapes, op) in FusedReLUTests.ops {
      var results: [[[Double]]] = []
      for isFused in [true, false] {
        let context = Context(precision: dtype)
        context.isTraining = true
        var stream = RandomStream(RandomKey(29).child(name))
        let inputs = try shapes.map { shape in
          try Tensor.values(
            (0..<shape.count).map { _ in stream.normal() }, shape: shape, context: context
          ).requiringGradient()
        }
        let y = try context.recording {
          isFused ? try op(inputs, true) : try op(inputs, false).relu()
        }
        let upstream = (0..<y.count).map { _ in stream.normal() }
        var result = [y.doubles]
        #expect(y.doubles.contains(0) && y.doubles.contains { $0 > 0 }, "\(name)")
        try context.backward(
          from: y, gradient: .values(upstream, shape: y.shape, context: context))
        for input in inputs { result.append(try #require(input.gradient).doubles) }
        results.append(result)
      }
      for (fused, plain) in compared(results[0], results[1]) {
        let scale = plain.reduce(1e-3) { max($0, abs($1)) }
        let error = deviation(fused, plain) { _ in scale }
        let bound = dtype == .float32 ? 1e-6 : 1e-14
        #expect(error <= bound, "\(name): \(error)")
      }
    }
  }

  /// The gradient is masked in place, which must not reach another user of its memory.
  @Test func sharedGradients() throws {
    Engine.current.select()
    func linear(_ x: Tensor, _ w: Tensor, isFused: Bool) throws -> Tensor {
      try isFused ? x.linear(w, relu: true) : x.linear(w).relu()
    }
    var results: [[[Double]]] = []
    for isFused in [true, false] {
      let context = Context(precision: .float64)
      var stream = RandomStream(RandomKey(31))
      let inputs = try [[3, 4], [4, 4]].map { (shape: Shape) in
        try Tensor.values(
          (0..<shape.count).map { _ in stream.normal() }, shape: shape, context: context
        ).requiringGradient()
      }
      let y = try context.recording {
        let a = try linear(inputs[0], inputs[1], isFused: isFused)
        let b = try linear(a, inputs[1], isFused: isFused)
        let c = try linear(inputs[0], inputs[1], isFused: isFused)
        let sum = try a + b + c + inputs[0] + b.reshape([12]).reshape([3, 4]) + a * a
        return try sum + c.reshape([12]).reshape([3, 4])
      }
      let upstream = (0..<12).map { _ in stream.normal() }
      try context.backward(
        from: y, gradient: .values(upstream, shape: y.shape, context: context))
      results.append(try [y.doubles] + inputs.map { try #require($0.gradient).doubles })
    }
    for (fused, plain) in compared(results[0], results[1]) {
      #expect(deviation(fused, plain) { _ in 1 } < 1e-12, "\(fused) and \(plain)")
    }
  }
}
