import DLCore
import DLTensor

/// The rows of several files, those of the first before those of the second and so on.
///
/// Counterpart: PyTorch's `ConcatDataset`.
package final class ConcatenatedDataset: Dataset {
  /// The data sets, in the order of their rows.
  package let parts: [TensorFileDataset]
  /// The number of rows.
  package let count: Int
  /// The length of each row, where rows are padded sequences.
  package let rowLengths: [Int32]?
  /// The valid positions of each row of inputs.
  package let inputLengths: [Int32]?
  /// The number of the first row of each part, and that of all rows.
  private let starts: [Int]

  /// Puts data sets together.
  ///
  /// - Throws: `DataError` where rows or labels differ in shape or type.
  package init(_ parts: [TensorFileDataset]) throws {
    precondition(!parts.isEmpty, "a data set of no files")
    self.parts = parts
    let first = parts[0]
    for part in parts.dropFirst()
    where part.inputShape != first.inputShape || part.inputType != first.inputType
      || part.labelShape != first.labelShape || part.labelType != first.labelType
    {
      throw DataError(
        "\(part.path): has rows of \(part.inputType) \(part.inputShape) and \(part.labelType) "
          + "\(part.labelShape) labels, \(first.path) of \(first.inputType) \(first.inputShape) and "
          + "\(first.labelType) \(first.labelShape); pack them alike", exitCode: .data)
    }
    var starts = [0]
    for part in parts { starts.append(starts[starts.count - 1] + part.count) }
    self.starts = starts
    count = starts[parts.count]
    func joined(_ lengths: (TensorFileDataset) -> [Int32]?) throws -> [Int32]? {
      let all = parts.compactMap(lengths)
      guard all.isEmpty || all.count == parts.count else {
        throw DataError(
          "\(first.path): some of the files with it have lengths and some have none; pack them alike",
          exitCode: .data)
      }
      return all.isEmpty ? nil : Array(all.joined())
    }
    rowLengths = try joined(\.rowLengths)
    inputLengths = try joined(\.inputLengths)
  }

  /// The shape of one input.
  package var inputShape: [Int] { parts[0].inputShape }
  /// The type of inputs.
  package var inputType: DType { parts[0].inputType }
  /// The shape of one label.
  package var labelShape: [Int] { parts[0].labelShape }
  /// The type of labels.
  package var labelType: DType { parts[0].labelType }
  /// The number of classes; nil where labels are values.
  package var classCount: Int? { parts[0].classCount }

  /// Compares all values of all files with what a model takes.
  ///
  /// - Throws: `FormatError` that names the first value outside, with its file and row, or where a
  ///   file cannot be read.
  package func check(_ domains: DataDomains) throws {
    for part in parts { try part.check(domains) }
  }

  /// The part that has a row; O(log parts).
  private func part(of row: Int) -> Int {
    var (low, high) = (0, parts.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= row { low = middle } else { high = middle }
    }
    return low
  }

  /// Reads rows, in the order given.
  ///
  /// - Throws: `FormatError` where a row cannot be read, or its label is no class.
  package func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws {
    try withUnsafeTemporaryAllocation(of: Int.self, capacity: max(rows.count, 1)) { places in
      var done = 0
      while done < rows.count {
        // Rows of one file that stand together are read at once.
        let part = part(of: rows[done])
        let range = starts[part]..<starts[part + 1]
        var end = done
        while end < rows.count, range.contains(rows[end]) {
          places.initializeElement(at: end, to: rows[end] - range.lowerBound)
          end += 1
        }
        func slice(_ buffer: UnsafeMutableRawBufferPointer, _ size: Int)
          -> UnsafeMutableRawBufferPointer
        { UnsafeMutableRawBufferPointer(rebasing: buffer[done * size..<end * size]) }
        try parts[part].read(
          rows: UnsafeBufferPointer(rebasing: places[done..<end]),
          inputs: slice(inputs, inputByteCount), labels: slice(labels, labelByteCount))
        done = end
      }
    }
  }
}
