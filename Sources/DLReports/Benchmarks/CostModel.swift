import Glibc

/// The cost of a step on a machine, in four coefficients.
///
///     T(P) = k (c ⌈B/P⌉ + u n) + b · 2 P w n + l N ⌈log2 P⌉,   k = max(1, P / cores)
///
/// for P ranks of one host, B rows, n parameters of w bytes and N collectives in a step; the last
/// two terms are there for P > 1. The factor k is for ranks that take turns on a core. The bytes are
/// those of a sum in place: every rank's gradient is read, and written.
package struct CostModel: Sendable {
  /// Seconds for a row, forward and backward, on one rank: `c`.
  package var row: Double
  /// Seconds for the update of a parameter: `u`.
  package var update: Double
  /// Seconds for a byte of the reduction: `b`; nil where nothing with several ranks was measured.
  package var byte: Double?
  /// Seconds for a collective, for each doubling of the ranks: `l`; nil likewise.
  package var latency: Double?
  /// Cores that the ranks share.
  package var cores: Int

  /// Fits the coefficients one after the other, each to the part of the step that it stands for, in
  /// the sense of least relative squares.
  ///
  /// Computing is taken from measurements whose ranks had a core each, where there are any. What is
  /// left of a step after computing, updating and summing is waiting.
  ///
  /// - Returns: nil without measurements.
  package init?(fitting points: [StepMeasurement], cores: Int) {
    guard !points.isEmpty else { return nil }
    self.cores = cores
    let free = points.filter { $0.ranks <= cores }
    let own = free.isEmpty ? points : free
    row = CostModel.scale(
      own.map { (Double($0.rowsPerRank), $0.times.compute + $0.times.dataWait) })
    update = CostModel.scale(own.map { (Double($0.parameters), $0.times.optimizer) })
    let several = points.filter { $0.ranks > 1 }
    guard !several.isEmpty else { return }
    byte = CostModel.scale(several.map { (CostModel.traffic($0), $0.times.reduction) })
    let alone = self
    let rests = several.map { point in
      let working = alone.working(point, ranks: point.ranks, rows: point.rows)
      return (
        Double(point.collectives) * CostModel.doublings(point.ranks),
        max(point.seconds - working - point.times.reduction, 0)
      )
    }
    latency = CostModel.scale(rests)
  }

  /// Seconds of a step of `network` with other ranks and rows; nil where the model does not know.
  package func seconds(_ network: StepMeasurement, ranks: Int, rows: Int) -> Double? {
    let working = working(network, ranks: ranks, rows: rows)
    guard ranks > 1 else { return working }
    guard let byte, let latency else { return nil }
    var there = network
    there.ranks = ranks
    return working + byte * CostModel.traffic(there)
      + latency * Double(network.collectives) * CostModel.doublings(ranks)
  }

  /// The same machine for another network, whose computing is known from one measurement.
  package func with(network: StepMeasurement) -> CostModel {
    guard let own = CostModel(fitting: [network], cores: cores) else { return self }
    var result = self
    result.row = own.row
    result.update = own.update
    return result
  }

  /// The same network where every rank has a core.
  var withEnoughCores: CostModel {
    var result = self
    result.cores = .max
    return result
  }

  /// Seconds of computing and updating.
  private func working(_ network: StepMeasurement, ranks: Int, rows: Int) -> Double {
    let share = Double((rows + ranks - 1) / ranks)
    return max(1, Double(ranks) / Double(cores))
      * (row * share + update * Double(network.parameters))
  }

  private static func traffic(_ point: StepMeasurement) -> Double {
    2 * Double(point.ranks) * Double(point.parameters) * Double(point.precision.dtype.byteCount)
  }

  private static func doublings(_ ranks: Int) -> Double { log2(Double(ranks)).rounded(.up) }

  /// The `a` for which `a x` is nearest to `y`, by Σ(1 - a x/y)²: Σ(x/y) / Σ(x/y)².
  private static func scale(_ pairs: [(x: Double, y: Double)]) -> Double {
    let ratios = pairs.filter { $0.x > 0 && $0.y > 0 }.map { $0.x / $0.y }
    let squares = ratios.reduce(0) { $0 + $1 * $1 }
    return squares > 0 ? ratios.reduce(0, +) / squares : 0
  }
}
