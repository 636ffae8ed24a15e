import DLFormats
import DLTensor

/// Made-up data for benchmarks and tests: float32 normal inputs and uniform classes.
///
/// A row depends on seed and row number alone. Rows are stitched together from slices of one table
/// of normal numbers, so that reading one costs a copy and not the drawing of its numbers.
package final class SyntheticDataset: Dataset {
  /// The number of rows.
  package let count: Int
  /// The shape of one input.
  package let inputShape: [Int]
  /// The type of inputs.
  package let inputType = DType.float32
  /// The shape of one label.
  package let labelShape: [Int] = []
  /// The type of labels.
  package let labelType = DType.int32
  /// The number of classes; nil where labels are values.
  package let classCount: Int?

  private static let sliceCount = 256
  private let classes: Int
  private let key: RandomKey
  private let table: [Float]

  /// Makes `count` rows of inputs of `shape`.
  ///
  /// - Throws: `DataError` for sizes below 1 or too large.
  package init(shape: [Int], classes: Int, count: Int, seed: Int) throws {
    var product = 4
    for size in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      guard size >= 1, !overflow, next < 1 << 40 else {
        throw DataError("synthetic: shape \(shape) is out of range, give small positive sizes")
      }
      product = next
    }
    guard shape.count < SafetensorsFile.maximumRank else {
      throw DataError("synthetic: shape \(shape) has too many dimensions, give at most 7")
    }
    guard classes >= 1, classes <= Int(Int32.max) else {
      throw DataError("synthetic: classes: \(classes) is out of range, give at least 1")
    }
    guard count >= 1, count <= Int(Int32.max) else {
      throw DataError("synthetic: count: \(count) is out of range, give 1 to \(Int32.max) rows")
    }
    inputShape = shape
    self.classes = classes
    classCount = classes
    self.count = count
    key = RandomKey(seed).child("synthetic")
    var stream = RandomStream(key.child("table"))
    table = (0..<1 << 16).map { _ in Float(stream.normal()) }
  }

  /// Reads rows, in the order given.
  ///
  /// - Throws: nothing.
  package func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws {
    let x = inputs.bindMemory(to: Float.self)
    let y = labels.bindMemory(to: Int32.self)
    let length = inputCount
    table.withUnsafeBufferPointer { table in
      for (index, row) in rows.enumerated() {
        var stream = RandomStream(key.child(row))
        y[index] = Int32(stream.upTo(classes))
        for begin in stride(from: 0, to: length, by: Self.sliceCount) {
          let count = min(Self.sliceCount, length - begin)
          let source = table.baseAddress! + stream.upTo(table.count - Self.sliceCount + 1)
          (x.baseAddress! + index * length + begin).update(from: source, count: count)
        }
      }
    }
  }
}
