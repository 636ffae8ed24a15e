/// Mean and deviation of numbers that come one after the other.
struct ColumnMoments {
  /// The number of values.
  private(set) var count = 0.0
  /// Their mean; 0 without any.
  private(set) var mean = 0.0
  private var squares = 0.0

  /// Adds a number (Welford 1962).
  mutating func add(_ number: Double) {
    count += 1
    let difference = number - mean
    mean += difference / count
    squares += difference * (number - mean)
  }

  /// The deviation of the numbers themselves, over their count, and 1 where all are equal, as
  /// scikit-learn's `StandardScaler` has it.
  var deviation: Double {
    let deviation = (squares / max(count, 1)).squareRoot()
    return deviation > mean.magnitude * 1e-14 ? deviation : 1
  }
}

/// The median of numbers that are gone through several times and never held in memory.
///
/// The bits of a number, with the sign turned so that they have its order, are found from the
/// highest on, 16 in each pass, by counting. Counterpart: `numpy.nanmedian`.
struct MedianSearch {
  /// The passes that it takes.
  static let passes = 4

  /// The number at a place of the order.
  private struct Statistic {
    /// Its place among those whose bits so far are these.
    var rank: Int
    var bits: UInt64 = 0
    var counts: [Int] = []
  }

  private var statistics: [Statistic]
  private var pass = 0

  /// Looks for the median of so many numbers, at least one: the mean of the two in the middle where
  /// their count is even.
  init(count: Int) {
    statistics = [Statistic(rank: (count - 1) / 2)]
    if count.isMultiple(of: 2) { statistics.append(Statistic(rank: count / 2)) }
  }

  /// Begins a pass.
  mutating func begin() {
    for index in statistics.indices {
      statistics[index].counts = [Int](repeating: 0, count: 1 << 16)
    }
  }

  /// Takes a number of this pass.
  mutating func add(_ number: Double) {
    let key = Self.key(number)
    let shift = UInt64(48 - 16 * pass)
    for index in statistics.indices
    where pass == 0 || key >> (shift + 16) == statistics[index].bits {
      statistics[index].counts[Int((key >> shift) & 0xffff)] += 1
    }
  }

  /// Ends a pass in which all numbers were added.
  mutating func end() {
    for index in statistics.indices {
      var rank = statistics[index].rank
      let place =
        statistics[index].counts.firstIndex { count in
          if rank < count { return true }
          rank -= count
          return false
        } ?? 0
      statistics[index].rank = rank
      statistics[index].bits = statistics[index].bits << 16 | UInt64(place)
      statistics[index].counts = []
    }
    pass += 1
  }

  /// The median, after all passes.
  var value: Double {
    let values = statistics.map { Self.number($0.bits) }
    return values.count == 1 ? values[0] : values[0] / 2 + values[1] / 2
  }

  private static func key(_ number: Double) -> UInt64 {
    let bits = number.bitPattern
    return bits >> 63 == 1 ? ~bits : bits | 1 << 63
  }

  private static func number(_ key: UInt64) -> Double {
    Double(bitPattern: key >> 63 == 1 ? key & ~(1 << 63) : ~key)
  }
}
