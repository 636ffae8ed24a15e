import DLCluster
import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// Batch normalization over ranks equals that of one rank with all rows, forward, backward and
/// running statistics.
@Suite struct SyncBatchNormTests {
  /// What the ranks computed, their rows put together and their parameter gradients added.
  private struct Result: Sendable {
    var y: [Double] = []
    var dx: [Double] = []
    var dweight = [0.0, 0, 0]
    var dbias = [0.0, 0, 0]
    var running: [[Double]] = []
  }

  private func run(rows: [Int]) throws -> Result {
    let total = rows.reduce(0, +)
    var stream = RandomStream(RandomKey(23))
    // Far from zero, where sums of squares would lose digits.
    let values = (0..<total * 12).map { _ in 100 + stream.normal() }
    let upstream = (0..<total * 12).map { _ in stream.normal() }
    let parts = try ThreadGroup.run(ranks: rows.count) { communicator in
      let context = Context(communicator: communicator, precision: .float64)
      context.isTraining = true
      let layer = BatchNorm(features: 3)
      _ = try ParameterArena(layer, context: context)
      let (weight, bias) = (try #require(layer.weight), try #require(layer.bias))
      try weight.value.assign([0.5, -2, 1.5])
      let mine = rows[communicator.rank]
      let first = rows[..<communicator.rank].reduce(0, +)
      let range = first * 12..<(first + mine) * 12
      let shape: Shape = [mine, 2, 2, 3]
      let x = try Tensor.values(Array(values[range]), shape: shape, context: context)
        .requiringGradient()
      let y = try context.recording { try layer(x) }
      var result = Result(y: y.doubles)
      try context.backward(
        from: y, gradient: .values(Array(upstream[range]), shape: shape, context: context))
      result.dx = try #require(x.gradient).doubles
      result.dweight = try #require(weight.value.gradient).doubles
      result.dbias = try #require(bias.value.gradient).doubles
      result.running = [
        try layer.runningMean.value.doubles, try layer.runningVar.value.doubles,
      ]
      return result
    }
    var whole = Result(running: parts[0].running)
    for part in parts {
      whole.y += part.y
      whole.dx += part.dx
      whole.dweight = zipped(whole.dweight, part.dweight).map(+)
      whole.dbias = zipped(whole.dbias, part.dbias).map(+)
      #expect(part.running == parts[0].running, "all ranks hold the same bits")
    }
    return whole
  }

  @Test(arguments: [[8, 7], [15, 0], [0, 15], [7, 5, 3, 0], [1, 1, 13], [0, 0, 1, 14]])
  func ranksAreOne(rows: [Int]) throws {
    let (alone, ranks) = (try run(rows: [15]), try run(rows: rows))
    func check(_ a: [Double], _ b: [Double], _ what: String) {
      let worst = deviation(a, b) { _ in 1 }
      #expect(worst < 1e-11, "\(rows), \(what): \(worst)")
    }
    check(ranks.y, alone.y, "y")
    check(ranks.dx, alone.dx, "dx")
    check(ranks.dweight, alone.dweight, "dweight")
    check(ranks.dbias, alone.dbias, "dbias")
    for (mine, theirs) in compared(ranks.running, alone.running) { check(mine, theirs, "running") }
  }

  /// The square of the gradient's length, differentiated: sums over ranks are differentiated too.
  @Test(arguments: [[4, 3], [7, 0], [1, 1, 5]])
  func secondDerivativesOfRanksAreThoseOfOne(rows: [Int]) throws {
    let (alone, ranks) = (try second(rows: [7]), try second(rows: rows))
    let worst = deviation(ranks, alone)
    #expect(worst < 1e-10, "\(rows): \(worst)")
  }

  private func second(rows: [Int]) throws -> [Double] {
    let total = rows.reduce(0, +)
    var stream = RandomStream(RandomKey(31))
    let values = (0..<total * 6).map { _ in stream.normal() }
    let parts = try ThreadGroup.run(ranks: rows.count) { communicator in
      let context = Context(communicator: communicator, precision: .float64)
      context.isTraining = true
      let layer = BatchNorm(features: 3)
      _ = try ParameterArena(layer, context: context)
      let mine = rows[communicator.rank]
      let first = rows[..<communicator.rank].reduce(0, +)
      let x = try Tensor.values(
        Array(values[first * 6..<(first + mine) * 6]), shape: [mine, 2, 3], context: context
      ).requiringGradient()
      let square = try context.differentiably {
        let y = try layer(x)
        let slope = try context.gradients(
          of: (y * y * y).sum(), with: [x], createGraph: true)[0]
        return try (slope * slope).sum()
      }
      return try context.gradients(of: square, with: [x])[0].doubles
    }
    return parts.flatMap(\.self)
  }
}
