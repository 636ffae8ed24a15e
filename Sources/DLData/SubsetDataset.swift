import DLFormats
import DLTensor

/// Some rows of another data set, in an order of their own.
package final class SubsetDataset: WindowedDataset {
  /// The data set that they are rows of.
  package let base: any Dataset
  private let rows: [Int]

  /// Makes the subset of rows of `base`, counted from 0.
  package init(of base: any Dataset, rows: [Int]) {
    self.base = base
    self.rows = rows
    rowLengths = base.rowLengths.map { lengths in rows.map { lengths[$0] } }
    inputLengths = base.inputLengths.map { lengths in rows.map { lengths[$0] } }
  }

  /// The number of rows.
  package var count: Int { rows.count }
  /// The shape of one input.
  package var inputShape: [Int] { base.inputShape }
  /// The type of inputs.
  package var inputType: DType { base.inputType }
  /// The shape of one label.
  package var labelShape: [Int] { base.labelShape }
  /// The type of labels.
  package var labelType: DType { base.labelType }
  /// The number of classes; nil where labels are values.
  package var classCount: Int? { base.classCount }
  /// The length of each row, where rows are padded sequences.
  package let rowLengths: [Int32]?
  /// The valid positions of each row of inputs.
  package let inputLengths: [Int32]?

  /// Compares all values of the whole data set with what a model takes.
  ///
  /// - Throws: what the other data set throws, such as `FormatError` for a value outside.
  package func check(_ domains: DataDomains) throws { try base.check(domains) }

  /// Reads rows, in the order given.
  ///
  /// - Throws: what the other data set throws, such as `FormatError` where a row cannot be read.
  package func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws {
    try mapped(rows) { try base.read(rows: $0, inputs: inputs, labels: labels) }
  }

  package var hasWindows: Bool { (base as? any WindowedDataset)?.hasWindows ?? false }

  /// Reads rows by windows of the stored images; only where there are such.
  ///
  /// - Throws: what the other data set throws, such as `FormatError` where an image cannot be
  ///   decoded.
  package func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer,
    window: (_ index: Int, _ height: Int, _ width: Int) -> PixelWindow
  ) throws {
    try mapped(rows) {
      try (base as? any WindowedDataset)?.read(
        rows: $0, inputs: inputs, labels: labels, window: window)
    }
  }

  private func mapped(
    _ rows: UnsafeBufferPointer<Int>, _ body: (UnsafeBufferPointer<Int>) throws -> Void
  ) throws {
    try withUnsafeTemporaryAllocation(of: Int.self, capacity: rows.count) { places in
      for index in rows.indices { places.initializeElement(at: index, to: self.rows[rows[index]]) }
      try body(UnsafeBufferPointer(places))
    }
  }
}
