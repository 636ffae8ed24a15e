import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// Recurrent networks beyond what PyTorch can be asked: against their decomposition, in stretches,
/// with rows of no length, and apart from other rows.
@Suite struct RecurrentTests {
  private static let cells: [RecurrentCell] = [.tanh, .relu, .lstm, .gru]

  private func draw(_ shape: Shape, _ name: String, _ context: Context) throws -> Tensor {
    var stream = RandomStream(RandomKey(3).child(name))
    return try Tensor.values(
      (0..<shape.count).map { _ in stream.normal() * 0.5 }, shape: shape, context: context)
  }

  private func module(
    _ cell: RecurrentCell, layers: Int = 1, dropout: Double = 0, both: Bool = false
  )
    -> Recurrent
  {
    switch cell {
    case .tanh, .relu:
      RNN(
        inputSize: 3, hiddenSize: 4, layers: layers, nonlinearity: cell == .relu ? .relu : .tanh,
        dropout: dropout,
        bidirectional: both)
    case .lstm:
      LSTM(inputSize: 3, hiddenSize: 4, layers: layers, dropout: dropout, bidirectional: both)
    case .gru:
      GRU(inputSize: 3, hiddenSize: 4, layers: layers, dropout: dropout, bidirectional: both)
    }
  }

  private func near(_ got: [Double], _ want: [Double], _ what: String) {
    let worst = deviation(got, want) { _ in 1 }
    #expect(worst < 1e-12, "\(what): \(worst)")
  }

  /// A chain that is run in two stretches gives what it gives in one.
  @Test func statesGoOnAlongAChain() throws {
    let context = Context(precision: .float64)
    let chain = Sequential(
      GRU(inputSize: 3, hiddenSize: 4, layers: 2),
      Sequential(Tanh(), LSTM(inputSize: 4, hiddenSize: 2)),
      Linear(inputFeatures: 2, outputFeatures: 2), RNN(inputSize: 2, hiddenSize: 3))
    _ = try ParameterArena(chain, context: context)
    let x = try draw([2, 7, 3], "x", context)
    let whole = try chain(x)
    let (first, states) = try chain.forward(x.narrow(1, start: 0, length: 4), states: nil)
    #expect(states.count == 3)
    let second = try chain.forward(x.narrow(1, start: 4, length: 3), states: states).output
    near(first.doubles, try whole.narrow(1, start: 0, length: 4).doubles, "first stretch")
    near(second.doubles, try whole.narrow(1, start: 4, length: 3).doubles, "second stretch")
  }

  @Test(arguments: cells)
  func fusedEqualsDecomposition(cell: RecurrentCell) throws {
    Engine.current.select()
    let context = Context(precision: .float64)
    let (batch, time, features, hidden) = (3, 4, 3, 5)
    let x = try draw([time, batch, features], "x", context).requiringGradient()
    let shapes: [Shape] = [
      [cell.gates * hidden, features], [cell.gates * hidden, hidden], [cell.gates * hidden],
      [cell.gates * hidden],
    ]
    let whole = try shapes.enumerated().map {
      try draw($1, "weight \($0)", context).requiringGradient()
    }
    let h = try draw([1, batch, hidden], "h", context).requiringGradient()
    let c = try draw([1, batch, hidden], "c", context).requiringGradient()
    let weigh = try draw([time, batch, hidden], "weigh", context)
    let fused = try context.recording {
      let (output, state) = try x.recurrent(
        cell,
        weights: [
          [
            RecurrentWeights(
              input: whole[0], hidden: whole[1], inputBias: whole[2], hiddenBias: whole[3])
          ]
        ], state: RecurrentState(hidden: h, cell: cell == .lstm ? c : nil), batchFirst: false)
      let final = try (state.cell ?? state.hidden).sum()
      return try (output * weigh).sum() + final
    }
    try context.backward(fused)

    func parts(_ tensor: Tensor, _ count: Int, _ shape: Shape) throws -> [Tensor] {
      let values = tensor.doubles
      return try (0..<count).map { index in
        try Tensor.values(
          Array(values[index * shape.count..<(index + 1) * shape.count]), shape: shape,
          context: context
        ).requiringGradient()
      }
    }
    let steps = try parts(x, time, [batch, features])
    let weighs = try parts(weigh, time, [batch, hidden])
    let gates = try zipped(whole, [[hidden, features], [hidden, hidden], [hidden], [hidden]]).map {
      try parts($0, cell.gates, Shape($1))
    }
    let plain = PlainCell(
      cell: cell, input: gates[0], hidden: gates[1], inputBias: gates[2], hiddenBias: gates[3])
    let (h0, c0) = (try parts(h, 1, [batch, hidden])[0], try parts(c, 1, [batch, hidden])[0])
    let slow = try context.recording {
      var (state, memory): (Tensor, Tensor?) = (h0, cell == .lstm ? c0 : nil)
      var sum: Tensor?
      for (step, weigh) in compared(steps, weighs) {
        (state, memory) = try plain.step(step, state, memory)
        let term = try (state * weigh).sum()
        sum = try sum.map { try $0 + term } ?? term
      }
      let final = try (memory ?? state).sum()
      return try sum.map { try $0 + final } ?? final
    }
    near([fused.scalar], [slow.scalar], "\(cell)")
    try context.backward(slow)
    func gradient(_ tensors: [Tensor]) throws -> [Double] {
      try tensors.flatMap { try #require($0.gradient).doubles }
    }
    near(try gradient([x]), try gradient(steps), "\(cell): x")
    near(try gradient([h]), try gradient([h0]), "\(cell): h")
    if cell == .lstm { near(try gradient([c]), try gradient([c0]), "\(cell): c") }
    for index in whole.indices {
      near(try gradient([whole[index]]), try gradient(gates[index]), "\(cell): parameter \(index)")
    }
  }

  /// Two stretches with the state handed on give the outputs of one, and gradients end in between.
  @Test(arguments: cells)
  func stretches(cell: RecurrentCell) throws {
    let context = Context(precision: .float64)
    let network = module(cell, layers: 2)
    _ = try ParameterArena(network, context: context)
    let whole = try draw([2, 6, 3], "x", context)
    func stretch(_ range: Range<Int>) throws -> Tensor {
      var values: [Double] = []
      for row in 0..<2 {
        let start = row * 6 + range.lowerBound
        values += whole.doubles[start * 3..<(start + range.count) * 3]
      }
      return try Tensor.values(values, shape: [2, range.count, 3], context: context)
    }
    let full = try network(whole, state: nil)
    let first = try stretch(0..<4).requiringGradient()
    let (start, carried) = try context.recording { try network(first, state: nil) }
    let (end, last) = try context.recording {
      try network(stretch(4..<6), state: carried.detached())
    }
    var joined: [Double] = []
    for row in 0..<2 {
      joined += start.doubles[row * 16..<(row + 1) * 16]
      joined += end.doubles[row * 8..<(row + 1) * 8]
    }
    near(joined, full.output.doubles, "\(cell)")
    near(last.hidden.doubles, full.state.hidden.doubles, "\(cell): state")
    try context.backward(context.recording { try end.sum() })
    #expect(first.gradient == nil)
  }

  /// A row of length 0 gives zeros and hands its state on, gradient included; others do not notice.
  @Test(arguments: cells)
  func rowsOfNoLength(cell: RecurrentCell) throws {
    let context = Context(precision: .float64)
    let network = module(cell, both: true)
    _ = try ParameterArena(network, context: context)
    let x = try draw([2, 3, 3], "x", context).requiringGradient()
    let h = try draw([2, 2, 4], "h", context).requiringGradient()
    let c = try draw([2, 2, 4], "c", context).requiringGradient()
    let state = RecurrentState(hidden: h, cell: cell == .lstm ? c : nil)
    let (output, final) = try context.recording {
      try network(x, state: state, lengths: Tensor.labels([0, 3], context: context))
    }
    #expect(output.doubles[0..<24].allSatisfy { $0 == 0 })
    for plane in 0..<2 {
      let row = plane * 8..<plane * 8 + 4
      #expect(final.hidden.doubles[row] == h.doubles[row])
      if let cell = final.cell { #expect(cell.doubles[row] == c.doubles[row]) }
    }
    let full = try network(x, state: state)
    near(Array(output.doubles[24...]), Array(full.output.doubles[24...]), "\(cell): other row")
    try context.backward(context.recording { try output.sum() + final.hidden.sum() })
    let (dx, dh) = (try #require(x.gradient).doubles, try #require(h.gradient).doubles)
    #expect(dx[0..<9].allSatisfy { $0 == 0 } && dx[9...].contains { $0 != 0 })
    #expect(dh[0..<4].allSatisfy { $0 == 1 } && dh[8..<12].allSatisfy { $0 == 1 })
  }

  /// No rows, no steps, no features: shapes stay what they are, gradients are zero.
  @Test(arguments: cells)
  func emptySequences(cell: RecurrentCell) throws {
    for shape: Shape in [[0, 3, 3], [2, 0, 3], [0, 0, 3]] {
      let context = Context(precision: .float32)
      let network = module(cell, layers: 2, both: true)
      let arena = try ParameterArena(network, context: context)
      let x = try Tensor.zeros(shape, context: context).requiringGradient()
      let (output, state) = try context.recording { try network(x, state: nil) }
      #expect(output.shape == [shape[0], shape[1], 8])
      #expect(state.hidden.shape == [4, shape[0], 4])
      try context.backward(context.recording { try output.sum() + state.hidden.sum() })
      for parameter in arena.parameters {
        #expect(try #require(parameter.value.gradient).doubles.allSatisfy { $0 == 0 })
      }
    }
  }

  /// Sizes of 0 compute nothing, and do not trap.
  @Test func noFeaturesOrNoState() throws {
    let context = Context(precision: .float32)
    for network in [
      GRU(inputSize: 0, hiddenSize: 2, layers: 2),
      GRU(inputSize: 3, hiddenSize: 0, bidirectional: true),
    ] {
      let arena = try ParameterArena(network, context: context)
      let x = try Tensor.zeros([2, 3, network.inputSize], context: context).requiringGradient()
      let lengths = try Tensor.labels([1, 3], context: context)
      let output = try context.recording { try network(x, state: nil, lengths: lengths).output }
      #expect(output.shape.dropLast() == [2, 3])
      try context.backward(context.recording { try output.sum() })
      for parameter in arena.parameters {
        #expect(try #require(parameter.value.gradient).doubles.allSatisfy(\.isFinite))
      }
    }
    #expect(throws: TensorError.self) {
      try LSTM(inputSize: 3, hiddenSize: 2, layers: 0)(
        Tensor.zeros([1, 1, 3], context: context), state: nil)
    }
  }

  /// Dropout between layers is keyed by the row of the whole batch, by step and by layer.
  @Test func dropoutDoesNotDependOnTheSplit() throws {
    let context = Context(precision: .float64)
    context.isTraining = true
    let network = module(.gru, layers: 3, dropout: 0.5)
    _ = try ParameterArena(network, context: context)
    let x = try draw([4, 5, 3], "x", context)
    func run(_ rows: Range<Int>) throws -> [Double] {
      context.beginForward(rowOffset: rows.lowerBound)
      let part = try Tensor.values(
        Array(x.doubles[rows.lowerBound * 15..<rows.upperBound * 15]), shape: [rows.count, 5, 3],
        context: context)
      return try network(part, state: nil).output.doubles
    }
    let whole = try run(0..<4)
    near(try run(0..<1) + run(1..<4), whole, "split")
    context.step += 1
    #expect(try run(0..<4) != whole)
    context.isTraining = false
    #expect(try run(0..<4) != whole)
  }

  @Test func defaultInitialization() throws {
    let context = Context(precision: .float64)
    let network = LSTM(inputSize: 200, hiddenSize: 16, layers: 2, bidirectional: true)
    let arena = try ParameterArena(network, context: context)
    #expect(
      arena.parameters.prefix(8).map(\.name) == [
        "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_ih_l0_reverse",
        "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse",
      ])
    #expect(arena.parameters[8].shape == [64, 32])
    for parameter in arena.parameters {
      let most = try parameter.value.doubles.map { abs($0) }.max() ?? 0
      #expect(most <= 0.25 && most > 0.2, "\(parameter.name)")
    }
  }
}
