import CKernels
import DLCore
import DLFormats

/// The result of a pass over one tensor of a data set file: the bounds of its values, and whether
/// all of them are finite.
package struct ColumnStatistics: Sendable, Hashable {
  /// The least value and, of integers, the least of the others; fewer where there are not so many
  /// different ones.
  package private(set) var least: [Double] = []
  /// The greatest value and, of integers, the greatest of the others.
  package private(set) var greatest: [Double] = []
  /// Values that are not finite, which the others leave out.
  package private(set) var nonFiniteCount = 0
  /// The first of them, counted in elements.
  package private(set) var firstNonFinite: Int?

  /// Statistics of no values.
  package init() {}

  /// Statistics that were noted before.
  package init(least: [Double], greatest: [Double], nonFiniteCount: Int, firstNonFinite: Int?) {
    self.least = least
    self.greatest = greatest
    self.nonFiniteCount = nonFiniteCount
    self.firstNonFinite = firstNonFinite
  }

  /// Scans values; nothing is found of types that data sets do not have.
  init(of bytes: UnsafeRawBufferPointer, _ type: SafetensorsType) {
    guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
    switch type {
    case .float32:
      let scan = dl_scan_f32(base.assumingMemoryBound(to: Float.self), bytes.count / 4)
      if scan.least <= scan.greatest {
        least = [Double(scan.least)]
        greatest = [Double(scan.greatest)]
      }
      nonFiniteCount = scan.non_finite
      firstNonFinite = scan.first_non_finite < 0 ? nil : scan.first_non_finite
    case .int32:
      let scan = dl_scan_i32(base.assumingMemoryBound(to: Int32.self), bytes.count / 4)
      least = [scan.least, scan.next_least].filter { $0 != Int64.max }.map(Double.init)
      greatest = [scan.greatest, scan.next_greatest].filter { $0 != Int64.min }.map(Double.init)
    default: break
    }
  }

  /// Takes in what was found of the values from `offset` on, which lie behind those seen so far.
  mutating func merge(_ next: ColumnStatistics, offset: Int) {
    least = Array(Set(least + next.least).sorted().prefix(2))
    greatest = Array(Set(greatest + next.greatest).sorted(by: >).prefix(2))
    nonFiniteCount += next.nonFiniteCount
    firstNonFinite = firstNonFinite ?? next.firstNonFinite.map { $0 + offset }
  }

  /// The bounds of the finite values when one value is left out; nil where nothing remains.
  package func range(without value: Int32? = nil) -> ClosedRange<Double>? {
    func first(_ values: [Double]) -> Double? { values.first { $0 != value.map(Double.init) } }
    guard let low = first(least), let high = first(greatest) else { return nil }
    return low...high
  }
}

// A fixed number of words, so that ranks can exchange them.
extension ColumnStatistics {
  static let wordCount = 6

  /// The statistics as 64-bit words.
  var words: [Int64] {
    func pair(_ values: [Double]) -> [Int64] {
      (0..<2).map { Int64(bitPattern: (values.count > $0 ? values[$0] : .nan).bitPattern) }
    }
    return pair(least) + pair(greatest) + [Int64(nonFiniteCount), Int64(firstNonFinite ?? -1)]
  }

  init(words: ArraySlice<Int64>) {
    let words = Array(words)
    func values(_ range: Range<Int>) -> [Double] {
      words[range].map { Double(bitPattern: UInt64(bitPattern: $0)) }.filter { !$0.isNaN }
    }
    least = values(0..<2)
    greatest = values(2..<4)
    nonFiniteCount = Int(words[4])
    firstNonFinite = words[5] < 0 ? nil : Int(words[5])
  }

  /// The statistics as JSON.
  var json: JSON {
    .object([
      .init("least", .array(least.map { .number($0) })),
      .init("greatest", .array(greatest.map { .number($0) })),
      .init("non_finite", .integer(nonFiniteCount)),
      .init("first_non_finite", firstNonFinite.map { .integer($0) } ?? .null),
    ])
  }

  init?(json: JSON) {
    guard let low = json["least"]?.array?.compactMap(\.double),
      let high = json["greatest"]?.array?.compactMap(\.double), low.count == high.count,
      let count = json["non_finite"]?.int, let first = json["first_non_finite"]
    else { return nil }
    least = low
    greatest = high
    nonFiniteCount = count
    firstNonFinite = first.int
  }
}
