import DLCore
import DLFormats

/// Turns NumPy arrays into data set files.
///
/// Arrays are gone through several times and never held in memory: what is kept are four bytes a
/// row where parts are stratified, and one where rows are parted at all.
package struct NumPyPacker {
  /// The forms that inputs can take.
  package enum Inputs: String, Sendable, CaseIterable {
    /// U8, as pixels are.
    case bytes
    /// I32, as tokens are.
    case tokens
    /// F32.
    case values
  }

  /// The form of inputs; nil for bytes of uint8, tokens of other integers, values of all else.
  package var inputs: Inputs?
  /// True if labels are values; nil for values of floats, classes of all else.
  package var isRegression: Bool?
  /// The names of the classes by their numbers, if they have any.
  package var classNames: [String]?
  /// The parts that rows are divided into.
  package var split = SplitPlan()
  /// Told what is worth knowing, such as that there are no labels.
  package var notice: (String) -> Void = { _ in }

  /// Makes a packer.
  package init() {}

  /// Packs the `.npy` file `path`, and the labels of another, into `train.safetensors`,
  /// `validation.safetensors` and so on in the folder `output`: x `[N, ...]` as ``inputs`` says, y
  /// I32 classes or F32 values `[N, ...]`; values of one axis become `[N, 1]`, and classes `[N, 1]`
  /// become `[N]`.
  ///
  /// - Throws: `FormatError` naming file and row, and `DataError` for settings that do not fit.
  package func pack(_ path: String, labels: String?, output: String) throws -> [PackedFile] {
    try pack(
      NumPyArray(path: path), labels: labels.map { try NumPyArray(path: $0) }, source: path,
      output: output)
  }

  /// Packs arrays of a `.npz` archive alike; without a name of labels those of `y`, if it is there.
  ///
  /// - Throws: as ``pack(_:labels:output:)``; `FormatError` also where the archive lacks an array.
  package func pack(archive path: String, input: String, label: String?, output: String) throws
    -> [PackedFile]
  {
    let archive = try NumPyArchive(path: path)
    let label = label ?? (archive.names.contains { $0.hasScalars(of: "y") } ? "y" : nil)
    return try pack(
      archive.array(input), labels: label.map { try archive.array($0) }, source: path,
      output: output)
  }

  private func pack(
    _ x: NumPyArray, labels y: NumPyArray?, source: String, output: String
  ) throws -> [PackedFile] {
    guard x.rowCount > 0, x.rowElements > 0 else {
      throw FormatError(
        .content, file: x.name, "has the shape \(x.shape), and no rows",
        advice: "give an array whose first axis counts rows")
    }
    if let y, y.rowCount != x.rowCount || y.rowElements == 0 {
      throw FormatError(
        .content, file: y.name, "has the shape \(y.shape), inputs have \(x.shape)",
        advice: "give labels for each row of the inputs")
    }
    let labels = try y.map { try Labels($0, isRegression, keepsAll: split.isStratified) }
    try check(labels, source: source)
    if labels == nil { notice("\(source): packed without labels, to predict") }
    let rows = try RowSplit(
      count: x.rowCount, split, labels: labels?.classes, source: y?.name ?? source)
    let target = try PackOutput(output, parts: rows.sets.joined().count, canBeOne: true)
    let inputType = inputType(of: x)
    return try rows.sets.joined().map { part in
      let count = rows.count(of: part)
      var tensors = [
        Self.tensor("x", x, inputType, [count] + x.shape.dropFirst()) {
          rows.contains($0, in: part)
        }
      ]
      if let y, let labels {
        tensors.append(
          Self.tensor("y", y, labels.type, [count] + labels.rowShape) {
            rows.contains($0, in: part)
          })
      }
      let path = target.path(part.name)
      try PackedFile.write(tensors, metadata: metadata(labels), to: path)
      return PackedFile(path: path, shape: tensors[0].shape)
    }
  }

  /// Compares the names of classes with the labels.
  private func check(_ labels: Labels?, source: String) throws {
    guard let classNames else { return }
    guard let labels, labels.type == .int32, !classNames.isEmpty else {
      throw DataError("class-names: \(source) has no labels that are classes, leave it out")
    }
    guard Set(classNames.map { ScalarString($0) }).count == classNames.count else {
      throw DataError("class-names: names a class twice, give each a name of its own")
    }
    guard labels.largest < classNames.count else {
      throw DataError(
        "class-names: \(counted(classNames.count, "name")) for classes up to \(labels.largest), "
          + "give \(labels.largest + 1)")
    }
  }

  private func metadata(_ labels: Labels?) -> [String: String] {
    var metadata = ["source": "NumPy"]
    guard let labels, labels.type == .int32, labels.largest >= 0 else { return metadata }
    metadata["classes"] = String(classNames?.count ?? Int(labels.largest) + 1)
    if let classNames { metadata[ClassNames.key] = ClassNames(classNames).text }
    return metadata
  }

  private func inputType(of x: NumPyArray) -> SafetensorsType {
    switch inputs {
    case .bytes: .uint8
    case .tokens: .int32
    case .values: .float32
    case nil:
      switch x.type.kind {
      case .bool, .float: .float32
      case .unsigned where x.type.width == 1: .uint8
      case .signed, .unsigned: .int32
      }
    }
  }

  /// The rows of an array that are chosen, as a tensor of a data set file.
  private static func tensor(
    _ name: String, _ array: NumPyArray, _ type: SafetensorsType, _ shape: [Int],
    isChosen: @escaping (Int) -> Bool
  ) -> SafetensorsTensor {
    SafetensorsTensor(name: name, dtype: type, shape: shape) { sink in
      let size = array.rowElements * type.byteCount
      try array.eachPiece(as: type) { rows, elements in
        var kept = 0
        for (place, row) in rows.enumerated() where isChosen(row) {
          if kept != place, let base = elements.baseAddress {
            (base + kept * size).copyMemory(from: base + place * size, byteCount: size)
          }
          kept += 1
        }
        try sink(UnsafeRawBufferPointer(rebasing: elements[..<(kept * size)]))
      }
    }
  }
}

/// The labels of an array, once they are known to be classes or values.
private struct Labels {
  let type: SafetensorsType
  /// The shape of a row's labels.
  let rowShape: [Int]
  /// The largest class.
  private(set) var largest: Int32 = -1
  /// The class of each row, where it has one and they are asked for.
  private(set) var classes: [Int32]?

  init(_ array: NumPyArray, _ isRegression: Bool?, keepsAll: Bool) throws {
    let areValues = isRegression ?? (array.type.kind == .float)
    type = areValues ? .float32 : .int32
    let axes = Array(array.shape.dropFirst())
    rowShape = areValues ? (axes.isEmpty ? [1] : axes) : (axes == [1] ? [] : axes)
    guard !areValues else { return }
    let keepsAll = keepsAll && rowShape.isEmpty
    var all: [Int32] = []
    var most: Int32 = -1
    try array.eachPiece(as: .int32) { _, elements in
      let labels = elements.bindMemory(to: Int32.self)
      most = max(most, labels.max() ?? -1)
      if keepsAll { all += labels }
    }
    largest = most
    classes = keepsAll ? all : nil
  }
}
