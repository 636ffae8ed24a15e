import DLCore
import DLFormats
import DLTensor

/// A plan by which the rows of a source are divided among files.
package struct SplitPlan: Sendable, Hashable {
  /// The shares of the rows for training, validation and testing, which add up to 1; one alone makes
  /// one part.
  package var shares: [Double]
  /// The number of folds, each with a part of its own to validate on; nil for shares.
  package var folds: Int?
  /// True if each part has its share of every class.
  package var isStratified: Bool
  /// Keys which rows go where.
  package var seed: Int

  /// Makes a plan.
  package init(
    shares: [Double] = [0.9, 0.1], folds: Int? = nil, isStratified: Bool = false, seed: Int = 1
  ) {
    (self.shares, self.folds, self.isStratified, self.seed) = (shares, folds, isStratified, seed)
  }

  /// All rows in one part.
  package static let whole = SplitPlan(shares: [1])

  /// A part for training and the rest, if there is one, for validation.
  package static func training(_ share: Double, seed: Int = 1) -> SplitPlan {
    SplitPlan(shares: share == 1 ? [1] : [share, 1 - share], seed: seed)
  }

  /// The names of the parts, by their shares.
  static let names = ["train", "validation", "test"]
  /// The most folds.
  static let mostFolds = 100

  /// Checks the numbers.
  ///
  /// - Throws: `DataError`.
  func check() throws {
    if let folds, !(2...Self.mostFolds).contains(folds) {
      throw DataError("folds: \(folds) is out of range, give 2 to \(Self.mostFolds)")
    }
    let isShare = shares.allSatisfy { $0 > 0 && $0 <= 1 }
    guard isShare, (1...3).contains(shares.count), abs(shares.reduce(0, +) - 1) < 1e-6 else {
      throw DataError(
        "split: \(shares.map { String($0) }.joined(separator: ",")) is out of range, give the share "
          + "for training above 0 and up to 1, or shares that add up to 1 such as 0.8,0.1,0.1")
    }
  }
}

/// The rows of a source that are in each part.
///
/// Depends on the number of rows, the plan and, where it is stratified, the labels alone. Takes a
/// byte a row once it is made.
struct RowSplit {
  /// Rows that make one file.
  struct Part {
    /// The name of the file: `train`, or `fold-1/train`.
    let name: String
    fileprivate let group: UInt8
    /// True if the rows are those of all other groups.
    fileprivate var isRest = false
  }

  /// Parts that belong together, the one to train on first: one set, or one for each fold.
  let sets: [[Part]]
  private let groups: [UInt8]

  /// Deals out rows.
  ///
  /// Without folds and strata the rows of a permutation that is keyed by the seed are cut where the
  /// sums of the shares, times the rows, are rounded to.
  ///
  /// - Parameters:
  ///   - labels: the class of each row, for a plan that is stratified.
  ///   - source: what a fault names.
  /// - Throws: `DataError` for a plan out of range, or strata without labels; a content error where a
  ///   part would be empty.
  init(count: Int, _ plan: SplitPlan, labels: [Int32]? = nil, source: String) throws {
    try plan.check()
    guard !plan.isStratified || labels != nil else {
      throw DataError("stratify: the labels of \(source) are no classes, leave it out")
    }
    let labels = plan.isStratified ? labels : nil
    let parts = plan.folds ?? plan.shares.count
    let fewest = FormatError(
      .content, file: source, "has \(counted(count, "row")), too few for \(counted(parts, "part"))",
      advice: "give more rows, or \(OptionName.split) 1 for one part")
    guard count >= parts else { throw fewest }
    if let folds = plan.folds {
      groups = try Self.groups(
        Folds(
          count: folds, rows: count, labels: labels, seed: UInt64(bitPattern: Int64(plan.seed))))
      sets = (0..<folds).map { fold in
        [
          Part(name: "fold-\(fold + 1)/train", group: UInt8(fold), isRest: true),
          Part(name: "fold-\(fold + 1)/validation", group: UInt8(fold)),
        ]
      }
    } else {
      groups =
        labels.map { Self.strata($0, plan.shares, seed: plan.seed) }
        ?? Self.cuts(count, plan.shares, seed: plan.seed)
      sets = [
        plan.shares.indices.map { Part(name: SplitPlan.names[$0], group: UInt8($0)) }
      ]
    }
    guard sets.joined().allSatisfy({ self.count(of: $0) > 0 }) else { throw fewest }
  }

  /// Returns whether a row is in a part.
  func contains(_ row: Int, in part: Part) -> Bool { (groups[row] == part.group) != part.isRest }

  /// The rows of a part, in the order of the source.
  func rows(of part: Part) -> [Int] { groups.indices.filter { contains($0, in: part) } }

  /// The number of rows of a part.
  func count(of part: Part) -> Int {
    groups.reduce(0) { $0 + ((($1 == part.group) != part.isRest) ? 1 : 0) }
  }

  private static let largestTable = 1 << 24

  private static func cuts(_ count: Int, _ shares: [Double], seed: Int) -> [UInt8] {
    var groups = [UInt8](repeating: 0, count: count)
    let key = RandomKey(seed).child("split")
    // A table of very many rows would take many times what their groups do.
    let computed =
      count > largestTable ? ComputedPermutation(seed: seed, epoch: 0, count: count) : nil
    var order = computed == nil ? Array(0..<count) : []
    var stream = RandomStream(key)
    stream.shuffle(&order)
    var (start, sum) = (0, 0.0)
    for (group, share) in shares.enumerated() {
      sum += share
      let end = group == shares.count - 1 ? count : min(Int((Double(count) * sum).rounded()), count)
      for place in start..<max(end, start) {
        groups[computed?.sample(at: place) ?? order[place]] = UInt8(group)
      }
      start = max(end, start)
    }
    return groups
  }

  /// Of each class every part gets its share, rounded down; the rows that are left over go, one each,
  /// to the parts that lack most so far.
  private static func strata(_ labels: [Int32], _ shares: [Double], seed: Int) -> [UInt8] {
    var groups = [UInt8](repeating: 0, count: labels.count)
    let key = RandomKey(seed).child("split")
    var lacking = [Double](repeating: 0, count: shares.count)
    for (label, members) in Dictionary(grouping: labels.indices, by: { labels[$0] })
      .sorted(by: { $0.key < $1.key })
    {
      var order = members
      var stream = RandomStream(key.child(Int(label)))
      stream.shuffle(&order)
      var counts = shares.map { Int((Double(order.count) * $0 + 1e-9).rounded(.down)) }
      for group in shares.indices {
        lacking[group] += Double(order.count) * shares[group] - Double(counts[group])
      }
      for _ in 0..<max(order.count - counts.reduce(0, +), 0) {
        let most = lacking.indices.max { (lacking[$0], -$0) < (lacking[$1], -$1) } ?? 0
        counts[most] += 1
        lacking[most] -= 1
      }
      var rows = order.makeIterator()
      for (group, count) in counts.enumerated() {
        for _ in 0..<count { rows.next().map { groups[$0] = UInt8(group) } }
      }
    }
    return groups
  }

  private static func groups(_ folds: Folds) -> [UInt8] {
    var groups = [UInt8](repeating: 0, count: folds.parts.reduce(0) { $0 + $1.count })
    for (number, rows) in folds.parts.enumerated() {
      for row in rows { groups[row] = UInt8(number) }
    }
    return groups
  }
}

/// The place of packed parts: files of a folder, or one file that is named.
struct PackOutput {
  private let output: String
  private let isFile: Bool

  /// Takes a folder, or the name of a file that ends with `.safetensors`, for one part alone.
  ///
  /// - Parameter canBeOne: whether a split of one share makes one part.
  /// - Throws: `DataError` for a file where there are several parts.
  init(_ output: String, parts: Int, canBeOne: Bool = false) throws {
    self.output = output
    isFile = output.ends(with: ".safetensors")
    guard !isFile || parts == 1 else {
      throw DataError(
        "\(output): is one file for \(parts) parts, name a folder"
          + (canBeOne ? ", or give \(OptionName.split) 1" : ""))
    }
  }

  /// The path of a part.
  func path(_ part: String) -> String { isFile ? output : "\(output)/\(part).safetensors" }
}
