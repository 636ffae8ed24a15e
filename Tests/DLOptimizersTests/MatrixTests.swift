import DLOptimizers
import DLTensor
import DLTestSupport
import Testing

/// Rules that step along whole matrices: against PyTorch (scripts/golden/make_training.py), and
/// however the matrices are shared out.
@Suite struct MatrixTests {
  private struct Case {
    let name: String
    let matrix: MatrixShape?
    /// The place in memory of each element of PyTorch's order.
    let order: [Int]

    static let all = [
      Case(name: "wide", matrix: MatrixShape(rows: 6, columns: 10), order: Array(0..<60)),
      Case(name: "tall", matrix: MatrixShape(rows: 12, columns: 5), order: Array(0..<60)),
      Case(name: "square", matrix: MatrixShape(rows: 7, columns: 7), order: Array(0..<49)),
      // [out, in, height, width] = [8, 3, 3, 2], in memory [height, width, in, out].
      Case(
        name: "convolution", matrix: MatrixShape(rows: 18, columns: 8, isTransposed: true),
        order: (0..<144).map { i in
          let (output, input, row, column) = (i / 18, i / 6 % 3, i / 2 % 3, i % 2)
          return ((row * 2 + column) * 3 + input) * 8 + output
        }),
      Case(name: "bias", matrix: nil, order: Array(0..<9)),
    ]
  }

  @Test(arguments: [DType.float64, .float32])
  func muonIsPyTorchs(dtype: DType) throws {
    let golden = try Golden<TrainingSettings>("matrices")
    #expect(golden.cases.count >= 5)
    let places = layout(Case.all.map(\.order.count))
    let count = try #require(places.last?.upperBound)
    for (name, settings) in golden.cases {
      func spread(_ key: (String) -> String, row: Int = 0) throws -> [Double] {
        var result = [Double](repeating: 0, count: count)
        for (tensor, place) in compared(Case.all, places) {
          let values = try golden.values(key(tensor.name))
          for (i, at) in tensor.order.enumerated() {
            result[place.lowerBound + at] = values[row * tensor.order.count + i]
          }
        }
        return result
      }
      let update = ArenaUpdate(
        groups: [
          .init(rule: try settings.muon(), learningRate: try #require(settings.lr)),
          .init(
            rule: try SGD(
              momentum: #require(settings.momentum), weightDecay: settings.sgdWeightDecay ?? 0,
              nesterov: #require(settings.nesterov as Bool?)),
            learningRate: try #require(settings.sgdLr)),
        ],
        members: zipped(Case.all, places).map {
          .init($1, group: $0.matrix == nil ? 1 : 0, matrix: $0.matrix)
        })
      #expect(update.stateNames == ["momentum_buffer"])
      let arena = Arena(dtype, parameters: try spread { "\(name)/in/\($0)" })
      func check(_ got: [Double], _ want: [Double], _ what: String) {
        let (relative, absolute) = dtype == .float64 ? (1e-9, 1e-15) : (1e-4, 1e-5)
        let isRight = isWithin(got, want, relative: relative, absolute: absolute)
        #expect(isRight, "\(name), \(what), \(dtype)")
      }
      for (step, rate) in try golden.values("\(name)/in/rates").enumerated() {
        arena.gradients = try spread({ "\(name)/in/\($0)_grad" }, row: step)
        update(arena.slice, scalars: StepScalars(step: step + 1, learningRate: rate))
        guard golden.file["\(name)/f64/out/wide_\(step + 1)"] != nil else { continue }
        check(
          arena.parameters, try spread { "\(name)/f64/out/\($0)_\(step + 1)" }, "\(step + 1)")
      }
      check(
        arena.state[0], try spread { "\(name)/f64/out/momentum_buffer_\($0)" }, "momentum")
    }
  }

  /// Matrices whose blocks lie with two owners, beside others and rules with other states.
  @Test(arguments: [DType.float64, .float32])
  func ownersOfPartsComeToTheBitsOfTheWhole(dtype: DType) throws {
    let members: [ArenaUpdate.Member] = [
      .init(0..<40_000, group: 0, matrix: MatrixShape(rows: 200, columns: 200)),
      .init(40_000..<40_100, group: 1),
      .init(40_112..<76_912, group: 0, matrix: MatrixShape(rows: 368, columns: 100)),
      .init(76_912..<77_000, group: 0, matrix: MatrixShape(rows: 4, columns: 22)),
    ]
    let cuts = [16_384, 56_496]
    func plan(_ cuts: [Int]) throws -> ArenaUpdate {
      ArenaUpdate(
        groups: [
          .init(rule: try Muon(), learningRate: 0.02),
          .init(rule: try Adam(), learningRate: 0.01),
        ], members: members, cuts: cuts)
    }
    var numbers = Numbers(seed: 21)
    let start = numbers.array(77_000)
    let whole = Arena(dtype, parameters: start)
    let parts = Arena(dtype, parameters: start)
    let pieces = [0] + cuts + [77_000]
    let update = try plan(cuts)
    #expect(update.stateNames == ["momentum_buffer", "exp_avg", "exp_avg_sq"])
    #expect(try plan([]).sumsPerStep == 0)
    for step in 1...3 {
      let gradients = numbers.array(77_000)
      whole.gradients = gradients
      parts.gradients = gradients
      let scalars = StepScalars(step: step, learningRate: 1, gradientScale: 0.5)
      try plan([])(whole.slice, scalars: scalars)
      // What each owner gives to the sums, found on copies.
      let copy = Arena(dtype, parameters: parts.parameters, gradients: gradients)
      copy.take(parts)
      var totals: [[Double]] = []
      func owned(_ arena: Arena, _ index: Int) -> [OwnedSlice] {
        let range = pieces[index]..<pieces[index + 1]
        return [OwnedSlice(arena.slice[range], at: range.lowerBound)]
      }
      for index in 0..<3 {
        var call = 0
        update(owned(copy, index), scalars: scalars) { sums in
          if index == 0 { totals.append([Double](repeating: 0, count: sums.count)) }
          for i in sums.indices {
            #expect(totals[call][i] == 0 || sums[i] == 0)
            totals[call][i] += sums[i]
          }
          call += 1
        }
        #expect(call == 1 && update.sumsPerStep == 1)
      }
      for index in 0..<3 {
        var call = 0
        update(owned(parts, index), scalars: scalars) { sums in
          _ = sums.update(fromContentsOf: totals[call])
          call += 1
        }
      }
      #expect(whole.bits == parts.bits, "step \(step)")
    }
    #expect(whole.parameters != start)
  }

  @Test func rulesOfOneArenaShareStatesByName() throws {
    let rules: [any SliceOptimizer] = [
      try Lion(), try SGD(), try Adam(), try SGD(momentum: 0.9),
    ]
    let groups = rules.map { ArenaUpdate.Group(rule: $0, learningRate: 1) }
    let frozen = ArenaUpdate.Group(rule: try Adadelta(), learningRate: 1, isFrozen: true)
    let (names, places) = ArenaUpdate.states(of: groups + [frozen])
    #expect(names == ["exp_avg", "exp_avg_sq", "momentum_buffer"])
    #expect(places == [[0], [], [0, 1], [2], []])
  }

  /// Singular values come near 1: the squares of a row's projections on the others vanish.
  @Test func aStepTurnsAndScalesAMatrixToAnOrthogonalOne() throws {
    let (rows, columns) = (5, 40)
    var numbers = Numbers(seed: 8)
    let arena = Arena(
      .float64, parameters: [Double](repeating: 0, count: 200), gradients: numbers.array(200))
    ArenaUpdate(
      groups: [.init(rule: try Muon(weightDecay: 0), learningRate: 1)],
      members: [.init(0..<200, group: 0, matrix: MatrixShape(rows: rows, columns: columns))])(
        arena.slice, scalars: StepScalars(step: 1, learningRate: 1))
    let x = arena.parameters
    for i in 0..<rows {
      for j in 0..<rows {
        let product = (0..<columns).reduce(0) { $0 + x[i * columns + $1] * x[j * columns + $1] }
        #expect(abs(product - (i == j ? 1 : 0)) < 0.45, "\(i), \(j)")
      }
    }
  }

  /// By itself a slice is a matrix of one row, whose step has one length whatever its gradient.
  @Test(arguments: [1e-3, 1, 1e6])
  func aRowTakesAStepOfOneLength(scale: Double) throws {
    let arena = Arena(.float64, parameters: [0, 0], gradients: [3 * scale, 4 * scale])
    try Muon(weightDecay: 0).update(
      arena.slice, scalars: StepScalars(step: 1, learningRate: 0.1))
    let ratio = arena.parameters[1] / arena.parameters[0]
    #expect(abs(ratio - 4.0 / 3) < 1e-12)
    let length =
      (arena.parameters[0] * arena.parameters[0]
      + arena.parameters[1] * arena.parameters[1]).squareRoot()
    #expect(abs(length - 0.1) < 0.035)
  }
}
