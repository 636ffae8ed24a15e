import DLCore
import DLFormats
import DLJobs
import DLTraining

/// A report of what a file of tensors holds: tensors and metadata, without reading a number.
package enum TensorReport {
  /// A table of the tensors, then the metadata.
  ///
  /// - Parameter columns: the width to keep to; nil for any.
  /// - Throws: `FormatError` for what is no such file.
  package static func text(path: String, columns: Int? = nil) throws -> String {
    let file = try WeightSources.open(path)
    var rows = [["tensor", "dtype", "shape", "bytes"]]
    for tensor in file.tensors {
      rows.append([
        printable(tensor.name), tensor.dtype.rawValue, "\(tensor.shape)",
        Format.grouped(tensor.bytes.count),
      ])
    }
    let bytes = file.tensors.reduce(0) { $0 + $1.bytes.count }
    rows.append([Format.count(file.tensors.count, "tensor"), "", "", Format.grouped(bytes)])
    var text = Format.table(rows, rightAligned: [3], columns: columns)
    let metadata = (file as? SafetensorsFile)?.metadataEntries ?? []
    if !metadata.isEmpty {
      let sorted = metadata.sorted { ScalarString($0.key) < ScalarString($1.key) }
      let entries = sorted.map {
        [printable($0.key), printable($0.value)]
      }
      text += "\n\n" + Format.table([["metadata", "value"]] + entries, columns: columns)
    }
    return text
  }

  /// A text from a file, on one line, without control characters and of bounded length.
  private static func printable(_ text: String) -> String {
    let scalars = text.unicodeScalars.prefix(160).map { scalar in
      scalar.properties.generalCategory == .control ? "?" : String(scalar)
    }
    return scalars.joined() + (text.unicodeScalars.count > 160 ? "..." : "")
  }
}
