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

  @Test(arguments: [RecurrentCell.tanh, .lstm, .gru])
  func recurrent(cell: RecurrentCell) throws {
    let rows = cell.gates * 2
    // Two layers in both directions, rows of lengths of their own, from a state that is given.
    for lengths in [nil, [3, 1] as [Int32]?] {
      let states = [[8, 2, 2]] as [Shape]
      let weights = (0..<4).flatMap {
        [[rows, $0 < 2 ? 3 : 4], [rows, 2], [rows], [rows]] as [Shape]
      }
      try check("\(cell)", [[2, 3, 3]] + states + weights) { inputs in
        let context = inputs[0].context
        let parts = (0..<4).map { place in
          let own = inputs[(2 + 4 * place)...]
          let first = own.startIndex
          return RecurrentWeights(
            input: own[first], hidden: own[first + 1], inputBias: own[first + 2],
            hiddenBias: own[first + 3])
        }
        let hidden = try inputs[1].narrow(0, start: 0, length: 4)
        let (y, state) = try inputs[0].recurrent(
          cell, weights: [[parts[0], parts[1]], [parts[2], parts[3]]],
          state: RecurrentState(
            hidden: hidden,
            cell: cell == .lstm ? inputs[1].narrow(0, start: 4, length: 4) : nil),
          lengths: lengths.map { try .labels($0, context: context) })
        return try .concat([
          y.reshape([y.count]), state.hidden.reshape([16]),
          // An input that a cell does not take has a gradient of its own.
          (state.cell ?? inputs[1].narrow(0, start: 4, length: 4)).reshape([16]),
        ])
      }
    }
  }

  @Test func attention() throws {
    try check("attention", [[2, 2, 3, 2], [2, 2, 4, 2], [2, 2, 4, 3]]) {
      try $0[0].scaledDotProductAttention($0[1], $0[2])
    }
    try check("masked attention", [[2, 2, 4, 2], [2, 2, 4, 2], [2, 2, 4, 3], [2, 4, 4]]) {
      inputs in
      let lengths = try Tensor.labels([4, 2], context: inputs[0].context)
      return try inputs[0].scaledDotProductAttention(
        inputs[1], inputs[2],
        mask: AttentionMask(bias: inputs[3], lengths: lengths, isCausal: true), scale: 0.7)
    }
    try check("packed attention", [[2, 3, 12]]) { inputs in
      func part(_ index: Int) throws -> AttentionInput {
        try AttentionInput(inputs[0], heads: 2, part: index, of: 3)
      }
      return try .attention(part(0), part(1), part(2))
    }
  }

  /// The plain ops give what the fused ones do.
  @Test func decompositionsAreEqual() throws {
    let context = Context(precision: .float64)
    var stream = RandomStream(RandomKey(5))
    func random(_ shape: Shape) throws -> Tensor {
      try .values((0..<shape.count).map { _ in stream.normal() }, shape: shape, context: context)
    }
    let x = try random([3, 4, 2])
    let lengths = try Tensor.labels([4, 0, 2], context: context)
    for cell in [RecurrentCell.relu, .gru, .lstm] {
      let weights = try (0..<2).map { _ in
        try RecurrentWeights(
          input: random([2 * cell.gates, 2]), hidden: random([2 * cell.gates, 2]))
      }
      func run() throws -> [Double] {
        let (y, state) = try x.recurrent(cell, weights: [weights], lengths: lengths)
        return y.doubles + state.hidden.doubles + (state.cell?.doubles ?? [])
      }
      #expect(try deviation(context.differentiably { try run() }, run()) < 1e-14)
    }
    // A query that sees no key.
    let heads = try random([3, 2, 4, 2])
    func attend() throws -> [Double] {
      try heads.scaledDotProductAttention(heads, heads, mask: AttentionMask(lengths: lengths))
        .doubles
    }
    #expect(try deviation(context.differentiably { try attend() }, attend()) < 1e-14)
  }
}
