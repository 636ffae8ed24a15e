import DLCore
import DLFormats
import DLTensor

/// Takes some of the classes, or some rows of each, out of a data set file.
package struct SubsetPacker {
  /// The names of the classes, which are numbered in this order; all in their own order unless given.
  package var classes: [String]?
  /// The name of one more class, the last, of the rows of all other
  /// classes; these are left out unless given.
  package var rest: String?
  /// Rows of each class; all unless given.
  package var perClass: Int?
  /// Keys which rows are taken.
  package var seed = 1

  /// Makes a packer.
  package init() {}

  /// Writes those rows of all tensors of a file whose first axis is that of the rows, in their order,
  /// with labels that count the classes from 0.
  ///
  /// Which rows of a class are taken depends on the seed, the class's name and the number of its rows alone.
  ///
  /// - Throws: `DataError` for settings out of range; a content error for a file without classes, a
  ///   class that it lacks, or one with fewer rows.
  package func pack(_ source: String, to output: String) throws -> PackedFile {
    let file = try SafetensorsFile(dataset: EmbeddedData.resolve(source))
    let (labels, names) = try file.classLabels()
    var chosen = classes ?? names
    let numbers = try PackLike.numbers(of: chosen, among: names, of: source, source: "classes")
    guard Set(numbers).count == numbers.count, !numbers.isEmpty else {
      throw DataError("classes: \(chosen.joined(separator: ",")) names a class twice, or none")
    }
    if let perClass, perClass < 1 {
      throw DataError("per-class: \(perClass) is out of range, give 1 or more")
    }
    var groups = numbers.map { number in labels.indices.filter { labels[$0] == number } }
    if let rest {
      guard !rest.isEmpty, !chosen.contains(rest) else {
        throw DataError("rest: \"\(rest)\" is no name of one more class, give another")
      }
      chosen.append(rest)
      groups.append(labels.indices.filter { !numbers.contains(labels[$0]) })
    }
    var taken: [(row: Int, label: Int32)] = []
    for (place, name) in chosen.enumerated() {
      var members = groups[place]
      if let perClass {
        guard members.count >= perClass else {
          throw FormatError(
            .content, file: source,
            "has \(counted(members.count, "row")) of the class \"\(name)\", fewer than \(perClass)",
            advice: "give a smaller \(OptionName.perClass)")
        }
        var stream = RandomStream(RandomKey(seed).child("subset").child(name))
        stream.shuffle(&members)
        members = Array(members.prefix(perClass))
      }
      taken += members.map { ($0, Int32(place)) }
    }
    guard !taken.isEmpty else {
      throw FormatError(
        .content, file: source, "has no row of these classes", advice: "name others")
    }
    taken.sort { $0.row < $1.row }
    let rows = taken.map(\.row)
    let tensors = file.tensors.filter { $0.name != "y" && $0.shape.first == labels.count }
    var metadata = file.metadata
    metadata["classes"] = String(chosen.count)
    metadata[ClassNames.key] = ClassNames(chosen).text
    try PackedFile.write(
      tensors.map { $0.rows(rows, of: file) } + [.values("y", taken.map(\.label))],
      metadata: metadata, to: output)
    let shape = file["x"].map { [rows.count] + $0.shape.dropFirst() } ?? [rows.count]
    return PackedFile(path: output, shape: shape)
  }
}

extension SafetensorsInfo {
  /// Some rows of a tensor, read when they are asked for.
  fileprivate func rows(_ rows: [Int], of file: SafetensorsFile) -> SafetensorsTensor {
    SafetensorsTensor(name: name, dtype: dtype, shape: [rows.count] + shape.dropFirst()) { sink in
      var buffer = [UInt8](repeating: 0, count: rowByteCount)
      for row in rows {
        try buffer.withUnsafeMutableBytes { try file.read(self, rows: row..<row + 1, into: $0) }
        try buffer.withUnsafeBytes { try sink($0) }
      }
    }
  }
}
