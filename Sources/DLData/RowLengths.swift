import CKernels
import DLCore
import DLFormats

/// The lengths of the sequences of each row, as a data set file has them: `lengths` I32 [N, ...].
package struct RowLengths {
  /// The longest sequence of each row.
  package let longest: [Int32]
  private let first: [Int32]

  /// Reads them; nil where the file has none.
  ///
  /// - Parameter longest: the positions that a row has.
  /// - Throws: `FormatError` for another shape or type, or a length beyond the row.
  package init?(_ file: SafetensorsFile, count: Int, longest limit: Int) throws {
    guard let info = file["lengths"] else { return nil }
    guard info.dtype == .int32, info.shape.first == count, info.count > 0 else {
      throw FormatError(
        .content, file: file.path,
        "lengths are \(info.dtype.rawValue) \(info.shape), not I32 [\(count), ...]",
        advice: "pack it anew")
    }
    let each = info.count / count
    (longest, first) = try file.bytes("lengths").withUnsafeBytes { bytes in
      let values = bytes.bindMemory(to: Int32.self)
      let wrong = dl_first_beyond_i32(
        values.baseAddress, values.count, 0, Int32(clamping: limit), nil)
      guard wrong == values.count else {
        throw FormatError(
          .content, file: file.path,
          "row \(wrong / each): lengths has \(values[wrong]), outside 0 to \(limit)",
          advice: "pack it anew")
      }
      return (
        (0..<count).map { row in values[row * each..<(row + 1) * each].max() ?? 0 },
        (0..<count).map { row in values[row * each] }
      )
    }
  }

  /// The first sequence's length of each row, in rows of so many positions.
  package func first(upTo positions: Int) -> [Int32] {
    first.map { min($0, Int32(clamping: positions)) }
  }
}
