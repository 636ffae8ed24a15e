import DLCore
import DLFormats

/// Rows of numbers that are filled up to one length, as the tensors of a data set file.
struct TokenRows {
  /// The most numbers of a padded tensor, so that one long row among many is told and not written.
  static let mostElements = 1 << 31
  /// The most numbers of a row.
  static let mostInRow = 1 << 20

  /// The numbers of each row; what is beyond the length is left out.
  let rows: [[Int32]]
  /// The length of all.
  let length: Int

  /// The length that rows are brought to: the one asked for, or that of the longest.
  ///
  /// - Throws: `DataError` for a length out of range, a content error for rows that would take too
  ///   much room.
  static func length(_ wanted: Int?, of rows: some Sequence<Int>, source: String) throws -> Int {
    if let wanted, !(1...mostInRow).contains(wanted) {
      throw DataError("length: \(wanted) is out of range, give 1 to \(mostInRow)")
    }
    var (count, longest) = (0, 1)
    for row in rows { (count, longest) = (count + 1, max(longest, row)) }
    let length = wanted ?? longest
    guard length.multipliedReportingOverflow(by: count).partialValue <= mostElements,
      length <= mostElements
    else {
      throw FormatError(
        .content, file: source,
        "has \(counted(count, "row")), the longest of \(longest), too many to fill up to that",
        advice: "give \(OptionName.length)")
    }
    return length
  }

  /// The tensor `[rows, length]`, filled up with `padding`.
  func tensor(_ name: String, padding: Int32) -> SafetensorsTensor {
    SafetensorsTensor(name: name, dtype: .int32, shape: [rows.count, length]) { sink in
      for row in rows {
        let full = row.prefix(length) + repeatElement(padding, count: max(length - row.count, 0))
        try full.withUnsafeBytes { try sink($0) }
      }
    }
  }

  /// The tensor `lengths`, I32 `[rows]`: the numbers of each row that are no padding.
  var lengths: SafetensorsTensor {
    let lengths = rows.map { Int32(min($0.count, length)) }
    return .values("lengths", lengths)
  }
}

extension SafetensorsTensor {
  /// A list of classes or lengths, I32 `[N]`.
  static func values(_ name: String, _ values: [Int32]) -> SafetensorsTensor {
    SafetensorsTensor(name: name, dtype: .int32, shape: [values.count]) { sink in
      try values.withUnsafeBytes { try sink($0) }
    }
  }

  /// A tensor F32 `[rows, classes]` that is 1 for each class of a row and 0 for the others; `labels` holds
  /// the classes of one row behind those of the other, `counts` how many each has.
  static func yesOrNo(_ name: String, _ labels: [Int32], counts: [Int], of classes: Int)
    -> SafetensorsTensor
  {
    SafetensorsTensor(name: name, dtype: .float32, shape: [counts.count, classes]) { sink in
      var place = 0
      for count in counts {
        var row = [Float](repeating: 0, count: classes)
        for label in labels[place..<place + count] { row[Int(label)] = 1 }
        place += count
        try row.withUnsafeBytes { try sink($0) }
      }
    }
  }
}
