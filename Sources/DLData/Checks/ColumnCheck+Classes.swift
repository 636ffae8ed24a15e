import CKernels
import DLCore
import DLFormats

// Labels that are classes.
extension ColumnCheck {
  /// The error of a label that is no class; nil for `classes` where any from 0 on is one.
  static func classFault(_ label: Int32, row: Int, classes: Int?, path: String) -> FormatError {
    let range = classes.map { "the classes 0 to \($0 - 1)" } ?? "0 and above"
    return FormatError(
      .content, file: path, "row \(row) has label \(label), outside \(range)",
      advice: "correct the label or the number of classes")
  }

  /// Throws where a label that is not ignored lies outside the classes.
  func requireClasses(_ classes: Int?, ignored: Int32?) throws {
    let limit = Double(classes.map { $0 - 1 } ?? Int(Int32.max))
    guard let range = statistics.range(without: ignored),
      range.lowerBound < 0 || range.upperBound > limit,
      let first = try firstOutside(0...max(limit, 0), exception: ignored)
    else { return }
    throw Self.classFault(
      Int32(try number(at: first)), row: row(of: first), classes: classes, path: file.path)
  }

  /// - Throws: where a row has a class that the others lack: one that `numbers` has -1 for.
  func requireNamed(
    _ numbers: [Int32], _ names: ClassNames, source: String, ignored: Int32?
  ) throws {
    let first = try eachPiece(of: 1) { bytes in
      let labels = bytes.bindMemory(to: Int32.self)
      guard var ignored else {
        return dl_map_i32(labels.baseAddress, labels.count, numbers, numbers.count, nil)
      }
      return dl_map_i32(labels.baseAddress, labels.count, numbers, numbers.count, &ignored)
    }
    guard let first else { return }
    let label = Int(try number(at: first))
    let name = names.names.indices.contains(label) ? names.names[label] : "\(label)"
    throw FormatError(
      .content, file: file.path,
      "row \(row(of: first)) has the class \"\(name)\", which \(source) lacks",
      advice: "leave such rows out, or train with data that have the class")
  }

  /// The row of an element.
  private func row(of element: Int) -> Int {
    element / max(info.shape.dropFirst().reduce(1, *), 1)
  }
}
