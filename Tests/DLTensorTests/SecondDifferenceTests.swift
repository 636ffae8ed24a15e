import DLTensor
import DLTestSupport
import Testing

/// Second derivatives of normalizations and pooling against differences of their first ones.
@Suite struct SecondDifferenceTests {
  /// Compares the gradients of the gradients of Σ op(inputs)³ with difference quotients.
  private func check(
    _ name: String, _ shapes: [Shape], draw: Draw = .normal, isTraining: Bool = true,
    _ op: ([Tensor]) throws -> Tensor
  ) throws {
    try checkGradients(name, shapes, draw: draw, isTraining: isTraining) { inputs in
      for input in inputs { input.requiringGradient() }
      let context = inputs[0].context
      return try context.differentiably {
        let y = try op(inputs)
        let slopes = try context.gradients(
          of: (y * y * y).sum(), with: inputs, createGraph: true)
        let start = try Tensor.zeros([], context: context)
        return try slopes.enumerated().reduce(start) {
          try $0 + ($1.element * $1.element).sum() * Double($1.offset + 1)
        }
      }
    }
  }

  @Test(arguments: [true, false])
  func batchNorm(isTraining: Bool) throws {
    for relu in [false, true] {
      try check("batch norm", [[5, 2, 3, 2], [2], [2]], isTraining: isTraining) { inputs in
        let context = inputs[0].context
        let running = RunningStatistics(
          mean: try .values([0.3, -0.2], shape: [2], context: context),
          variance: try .values([1.5, 0.7], shape: [2], context: context), momentum: 0)
        return try inputs[0].batchNorm(
          weight: inputs[1], bias: inputs[2], running: running, relu: relu)
      }
    }
  }

  @Test func layerNorm() throws {
    try check("layer norm", [[4, 5], [5], [5]]) {
      try $0[0].layerNorm(weight: $0[1], bias: $0[2])
    }
    try check("layer norm of two axes", [[3, 2, 4]]) {
      try $0[0].layerNorm(weight: nil, bias: nil, axes: 2)
    }
  }

  @Test func averagePooling() throws {
    try check("avg pool", [[2, 5, 4, 3]]) {
      try $0[0].avgPool2d(Window2d(kernel: 3, stride: 2, padding: 1))
    }
    try check("avg pool 1d", [[2, 6, 2]]) { try $0[0].avgPool1d(kernel: 2) }
    try check("adaptive avg pool", [[2, 5, 4, 2]]) { try $0[0].adaptiveAvgPool2d(Size2d(3, 2)) }
    try check("global avg pool", [[2, 3, 4, 2]]) { try $0[0].globalAvgPool2d() }
  }

  @Test func maximumPooling() throws {
    try check("max pool", [[2, 6, 4, 2]], draw: .apart) {
      try $0[0].maxPool2d(Window2d(kernel: 3, stride: 2, padding: 1))
    }
    try check("adaptive max pool", [[2, 5, 4, 2]], draw: .apart) {
      try $0[0].adaptiveMaxPool2d(Size2d(2, 3))
    }
    try check("global max pool 1d", [[3, 7, 2]], draw: .apart) { try $0[0].globalMaxPool1d() }
  }

  @Test func picking() throws {
    try check("index select", [[3, 4, 2]]) {
      try $0[0].indexSelect(1, .labels([2, 0, 2], context: $0[0].context))
    }
    try check("slice", [[3, 7, 2]]) { try $0[0].slice(1, from: 1, to: 6, step: 2) }
    try check("concat", [[2, 3], [2, 1], [2, 2]]) { try Tensor.concat($0, axis: 1) }
    try check("embedding", [[5, 3]]) {
      try Tensor.labels([4, 1, 1, 0], shape: [2, 2], context: $0[0].context).embedding($0[0])
    }
  }

  @Test func sparseProduct() throws {
    try check("sparse product", [[3, 2]]) { inputs in
      let context = inputs[0].context
      let matrix = try SparseMatrix(
        rows: 2, columns: 3, entries: [(0, 2, 0.5), (1, 0, -1), (1, 2, 2)], context: context)
      return try matrix.matmul(inputs[0])
    }
  }
}
