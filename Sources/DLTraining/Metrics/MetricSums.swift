import DLCluster
import DLCore

/// The sums that a metric has made: counts, exact sums, and scores that are to be ranked.
public struct MetricSums: Sendable, Equatable {
  /// The most scores that are kept, over all ranks: 128 MiB in each process.
  package static let scoreLimit = 1 << 24

  /// Counts, which add up exactly.
  public var counts: [Int]
  /// Sums of doubles without rounding.
  public var sums: [ExactSum]
  /// Sums of doubles that are rounded: they go along the fixed tree of the ranks, and so have the
  /// same bits at every run of as many ranks, real or virtual.
  public var treeSums: [Double]
  /// Scores of rows, as many a row as there are classes; every rank has those of all ranks in the end.
  public private(set) var scores: [Double] = []
  /// The labels of these rows.
  public private(set) var labels: [Int32] = []
  private let keepsScores: Bool

  /// Makes sums of nothing.
  ///
  /// - Parameter keepsScores: whether scores are kept and gathered.
  public init(counts: Int = 0, sums: Int = 0, treeSums: Int = 0, keepsScores: Bool = false) {
    self.counts = [Int](repeating: 0, count: counts)
    self.sums = [ExactSum](repeating: ExactSum(), count: sums)
    self.treeSums = [Double](repeating: 0, count: treeSums)
    self.keepsScores = keepsScores
  }

  /// Keeps the scores of a row with its label.
  ///
  /// - Throws: `UsageError` where they become too many.
  public mutating func keep(_ scores: some Collection<Double>, label: Int32) throws {
    guard self.scores.count + scores.count <= MetricSums.scoreLimit else {
      throw UsageError(
        "validate.metrics: more than \(MetricSums.scoreLimit) scores, which is what can be ranked; "
          + "validate on fewer rows")
    }
    self.scores += scores
    labels.append(label)
  }

  /// Adds what all ranks have; every rank makes the call.
  ///
  /// - Throws: `RankFailure` where a rank is lost.
  package mutating func reduce(over communicator: any Communicator) throws {
    // Integers below 2^53 add up exactly as doubles, in any order.
    var whole = (counts + sums.flatMap(\.words)).map { Double($0) } + treeSums
    if !whole.isEmpty { try communicator.allreduceSum(&whole) }
    let integers = counts.count + sums.count * ExactSum.wordCount
    treeSums = Array(whole[integers...])
    counts = whole[..<counts.count].map { Int($0) }
    let words = whole[counts.count..<integers].map { Int($0) }
    sums = stride(from: 0, to: words.count, by: ExactSum.wordCount).map {
      ExactSum(words: words[$0..<$0 + ExactSum.wordCount])
    }
    guard keepsScores else { return }
    let total = try communicator.sum(scores.count)
    try communicator.agreed("gather the scores of the validation") {
      guard total <= MetricSums.scoreLimit else {
        throw UsageError(
          "validate.metrics: \(total) scores, \(MetricSums.scoreLimit) can be ranked; "
            + "validate on fewer rows")
      }
    }
    scores = try MetricSums.gather(scores, padding: 0, communicator)
    labels = try MetricSums.gather(labels, padding: 0, communicator)
  }

  /// Puts lists of different lengths behind each other, in the order of ranks.
  private static func gather<T: BitwiseCopyable>(
    _ list: [T], padding: T, _ communicator: any Communicator
  ) throws -> [T] {
    let counts = try communicator.allgather([Int64(list.count)]).map { Int($0) }
    let longest = counts.max() ?? 0
    let padded = list + [T](repeating: padding, count: longest - list.count)
    let all = try communicator.allgather(padded)
    return counts.enumerated().flatMap { rank, count in
      all[rank * longest..<rank * longest + count]
    }
  }
}
