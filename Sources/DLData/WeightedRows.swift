import DLTensor

/// Draws of rows with replacement, each as probable as its class's weight: an epoch has as many draws
/// as there are rows.
///
/// The draw at a place depends on seed, epoch and place alone, so that it is the same for every number
/// of ranks and after an interruption. Counterpart: PyTorch's
/// `WeightedRandomSampler(weights[labels], len(labels), replacement=True)`.
package struct WeightedRows: Sendable, Hashable {
  /// The rows of the first class, then those of the second, and so on.
  private let rows: [Int]
  /// The place where the rows of each class begin, and where those of the last end.
  private let starts: [Int]
  /// The sums of the weights of the rows of all classes up to each.
  private let sums: [Double]

  /// Makes the draws of a data set.
  ///
  /// - Parameters:
  ///   - classes: the class of each row.
  ///   - weights: the weight of a row by its class; nil for one over the number of the class's rows,
  ///     by which every class is drawn as often.
  /// - Throws: `DataError` for classes without a weight, or where no row has one above 0.
  package init(classes: [Int32], weights: [Double]?) throws {
    let last = Int(classes.max() ?? -1)
    guard classes.allSatisfy({ $0 >= 0 }) else {
      throw DataError("data.sampler: a label is below 0, and has no weight; give classes from 0")
    }
    guard weights?.count ?? .max > last else {
      throw DataError(
        "data.sampler.weights: \(weights?.count ?? 0) weights for classes up to \(last), "
          + "give one for each")
    }
    var counts = [Int](repeating: 0, count: last + 1)
    for label in classes { counts[Int(label)] += 1 }
    var starts = [0]
    for count in counts { starts.append(starts[starts.count - 1] + count) }
    var (rows, next) = ([Int](repeating: 0, count: classes.count), starts)
    for (row, label) in classes.enumerated() {
      rows[next[Int(label)]] = row
      next[Int(label)] += 1
    }
    func summed(_ weights: [Double]?) -> [Double] {
      counts.enumerated().reduce(into: [Double]()) { sums, part in
        let (label, count) = part
        let weight = count == 0 ? 0 : weights.map { $0[label] * Double(count) } ?? 1
        sums.append((sums.last ?? 0) + weight)
      }
    }
    var sums = summed(weights)
    if let weights, sums.last?.isFinite == false {
      // Their ratios count: as shares of the largest they have a sum.
      let largest = weights.max() ?? 1
      sums = summed(weights.map { $0 / largest })
    }
    guard let total = sums.last, total > 0, total.isFinite else {
      throw DataError("data.sampler.weights: no row has a weight above 0, give one that has")
    }
    (self.rows, self.starts, self.sums) = (rows, starts, sums)
  }

  /// The number of rows, and of the draws of an epoch.
  package var count: Int { rows.count }

  /// The draws of an epoch.
  package func draws(seed: Int, epoch: Int) -> WeightedDraws {
    WeightedDraws(rows: self, key: RandomKey(seed).child("weighted").child(epoch))
  }

  fileprivate func row(_ stream: inout RandomStream) -> Int {
    // The first class whose sum is above the number; one of weight 0 has the sum of the one before.
    let number = stream.uniform() * sums[sums.count - 1]
    var (low, high) = (0, sums.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if sums[middle] > number { high = middle } else { low = middle + 1 }
    }
    return rows[starts[low] + stream.upTo(starts[low + 1] - starts[low])]
  }
}

/// The draws of one epoch.
package struct WeightedDraws: Sendable {
  fileprivate let rows: WeightedRows
  fileprivate let key: RandomKey

  /// The row at a place; O(log classes).
  package func row(at place: Int) -> Int {
    var stream = RandomStream(key.child(place))
    return rows.row(&stream)
  }
}
