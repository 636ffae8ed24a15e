import DLCore
import DLTensor

/// The sounds that make the rows of a data set: one each, or several that are drawn.
struct JoinedSounds {
  /// A part of the rows, by their numbers.
  typealias Part = (name: String, rows: [Int])

  /// The sounds of each row, one after the other.
  let items: [[Int]]
  /// The parts of the rows.
  let sets: [[Part]]

  /// Takes parts of sounds, of which there are `count`.
  ///
  /// - Throws: `DataError` for lengths of strings out of range.
  init(_ sets: [[Part]], _ strings: ClosedRange<Int>?, count: Int, seed: Int) throws {
    guard let strings else {
      (items, self.sets) = ((0..<count).map { [$0] }, sets)
      return
    }
    guard strings.lowerBound >= 1, strings.upperBound <= 100 else {
      throw DataError("strings: \(strings) is out of range, give 1 to 100")
    }
    var items: [[Int]] = []
    self.sets = sets.map { parts in
      parts.map { part in
        let key = RandomKey(seed).child("strings").child(part.name)
        let first = items.count
        for row in part.rows.indices {
          var stream = RandomStream(key.child(row))
          let length = strings.lowerBound + stream.upTo(strings.count)
          items.append((0..<length).map { _ in part.rows[stream.upTo(part.rows.count)] })
        }
        return (part.name, Array(first..<items.count))
      }
    }
    self.items = items
  }

  /// The classes of each row, from those of single sounds; counted from 1 for strings.
  func labels(_ labels: [Int32], _ strings: ClosedRange<Int>?) -> [[Int32]] {
    items.map { item in item.map { labels[$0] + (strings == nil ? 0 : 1) } }
  }
}
