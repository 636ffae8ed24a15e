import DLCluster
import DLData
import DLModels
import DLTensor

/// Parameters by one pass of sums over all rows, in the first step of a run; the steps behind it leave
/// them.
///
/// The rows go in blocks that are the same at any number of ranks, and the sums of blocks are added
/// without rounding.
final class SumsUpdate: UpdateStrategy {
  /// Rows of a block.
  private static let blockRows = 256
  /// Sums that go over the ranks at once.
  private static let sumsAtOnce = 4096

  private let phase: PhaseStep
  private let network: any FittedBySums

  private init(_ phase: PhaseStep, _ network: any FittedBySums) {
    self.phase = phase
    self.network = network
  }

  static func make(for phase: PhaseStep) -> SumsUpdate? {
    (phase.run.task.model as? any FittedBySums).map { SumsUpdate(phase, $0) }
  }

  /// - Returns: the loss before the fit, on the rows of the step.
  func update() throws -> Double {
    let (run, optimizer) = (phase.run, phase.optimizer)
    let loss = try phase.gradient()
    guard run.position.step == 0 else { return loss }
    return try run.clock.measure(.optimizer) {
      optimizer.verifyChecksums()
      try phase.reportCorruption()
      let sums = try reducedSums()
      try run.communicator.agreed("fit the model by sums") { try network.fit(sums) }
      optimizer.willUpdate()
      optimizer.renewChecksums()
      phase.noteUpdate()
      return loss
    }
  }

  /// The sums over all rows of all ranks; collective.
  private func reducedSums() throws -> [Double] {
    let communicator = phase.run.communicator
    if network.sumsAreWhole {
      // Below 2^53 their sums have no rounding, in any order.
      var counts = try communicator.agreed("add the rows up") {
        var counts = [Double](repeating: 0, count: try network.sumCount())
        try eachBlock { values, labels in
          counts.withUnsafeMutableBufferPointer {
            network.addSums(of: values, labels: labels, to: $0)
          }
        }
        return counts
      }
      try communicator.allreduceSum(&counts)
      return counts
    }
    let own = try communicator.agreed("add the rows up") { try ownSums() }
    var result: [Double] = []
    for start in stride(from: 0, to: own.count, by: Self.sumsAtOnce) {
      let part = own[start..<min(start + Self.sumsAtOnce, own.count)]
      var sums = MetricSums()
      sums.sums = Array(part)
      try sums.reduce(over: communicator)
      result += sums.sums.map(\.value)
    }
    return result
  }

  /// The sums over this rank's blocks of rows.
  private func ownSums() throws -> [ExactSum] {
    let count = try network.sumCount()
    var totals = [ExactSum](repeating: ExactSum(), count: count)
    var block = [Double](repeating: 0, count: count)
    try eachBlock { values, labels in
      block.withUnsafeMutableBufferPointer { sums in
        sums.update(repeating: 0)
        network.addSums(of: values, labels: labels, to: sums)
      }
      for index in 0..<count { totals[index] += block[index] }
    }
    return totals
  }

  /// Hands over the inputs of this rank's blocks of rows with their labels.
  private func eachBlock(
    _ body: (UnsafeBufferPointer<Double>, UnsafeBufferPointer<Int32>) throws -> Void
  ) throws {
    let (run, dataset) = (phase.run, phase.run.data.train)
    let transform = try TrainingData.transform(
      of: dataset, run.configuration, precision: .float64)
    let blocks = (dataset.count + Self.blockRows - 1) / Self.blockRows
    let mine = try BatchSharding(ranks: run.communicator.size)
      .rows(of: run.communicator.rank, in: blocks)
    let rows =
      mine.lowerBound
      * Self.blockRows..<min(
        mine.upperBound * Self.blockRows, dataset.count)
    var values = [Double](repeating: 0, count: Self.blockRows * dataset.inputCount)
    guard !rows.isEmpty else { return }
    try dataset.eachPiece(of: rows, atOnce: Self.blockRows) { part, inputs, labels in
      let elements = part.count * dataset.inputCount
      try values.withUnsafeMutableBufferPointer { values in
        guard let source = inputs.baseAddress, let target = values.baseAddress else { return }
        if transform.outputType == .int32 {
          let tokens = source.assumingMemoryBound(to: Int32.self)
          for index in 0..<elements { target[index] = Double(tokens[index]) }
        } else {
          transform.apply(source, count: elements, into: target)
        }
        try body(
          UnsafeBufferPointer(start: target, count: elements),
          labels.bindMemory(to: Int32.self))
      }
    }
  }
}

extension RunSetup {
  /// The demands of a model whose parameters come from sums over all rows.
  var fittingDemands: [Demand] {
    guard task.model is any FittedBySums else { return [] }
    return [
      Demand(
        key: "model", name: "a model that is fitted by sums",
        needs: [.gradientExchange, .wholeGradient])
    ]
  }
}
