import DLTensor

/// Made-up rows of tokens for benchmarks and tests of language models: x are T tokens, y the T that
/// follow each.
///
/// A row depends on seed and row number alone. Rows are stitched together from slices of one table
/// of uniform tokens, so that reading one costs a copy and not the drawing of its tokens.
package final class SyntheticTokenDataset: Dataset {
  /// The number of rows.
  package let count: Int
  /// `[T]`.
  package let inputShape: [Int]
  /// int32.
  package let inputType = DType.int32
  /// `[T]`.
  package let labelShape: [Int]
  /// int32.
  package let labelType = DType.int32
  /// The number of different tokens.
  package let classCount: Int?

  private static let sliceCount = 256
  private let key: RandomKey
  private let table: [Int32]

  /// Makes `count` rows of `tokens` tokens.
  ///
  /// - Throws: `DataError` for sizes below 1 or too large.
  package init(tokens: Int, vocabulary: Int, count: Int, seed: Int) throws {
    for (name, value, most) in [
      ("tokens", tokens, 1 << 28), ("vocabulary", vocabulary, Int(Int32.max)),
      ("count", count, Int(Int32.max)),
    ] {
      guard (1...most).contains(value) else {
        throw DataError("synthetic: \(name): \(value) is out of range, give 1 to \(most)")
      }
    }
    inputShape = [tokens]
    labelShape = [tokens]
    classCount = vocabulary
    self.count = count
    key = RandomKey(seed).child("synthetic tokens")
    var stream = RandomStream(key.child("table"))
    table = (0..<1 << 16).map { _ in Int32(stream.upTo(vocabulary)) }
  }

  /// Reads rows, in the order given.
  ///
  /// - Throws: nothing.
  package func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws {
    let x = inputs.bindMemory(to: Int32.self)
    let y = labels.bindMemory(to: Int32.self)
    let length = inputCount
    guard let x = x.baseAddress, let y = y.baseAddress else { return }
    table.withUnsafeBufferPointer { table in
      guard let tokens = table.baseAddress else { return }
      for (index, row) in rows.enumerated() {
        var stream = RandomStream(key.child(row))
        let (x, y) = (x + index * length, y + index * length)
        for begin in stride(from: 0, to: length, by: Self.sliceCount) {
          let count = min(Self.sliceCount, length - begin)
          let source = tokens + stream.upTo(table.count - Self.sliceCount + 1)
          (x + begin).update(from: source, count: count)
        }
        y.update(from: x + 1, count: length - 1)
        y[length - 1] = tokens[stream.upTo(table.count)]
      }
    }
  }
}
