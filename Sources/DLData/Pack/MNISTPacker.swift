import DLCore
import DLFormats

/// A data set file that was written.
package struct PackedFile: Sendable, Hashable {
  /// Where it lies.
  package let path: String
  /// The shape of its `x`.
  package let shape: [Int]
}

/// Turns the four IDX files of MNIST (or Fashion-MNIST, or EMNIST renamed) into two data set files.
package enum MNISTPacker {
  /// Reads `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and their `t10k-` counterparts,
  /// plain or with `.gz`, and writes `train.safetensors` and `test.safetensors` into the folder
  /// `output`: x U8 [N, height, width, 1] and y I32 [N].
  ///
  /// Throws `FormatError`.
  package static func packMNIST(directory: String, output: String) throws -> [PackedFile] {
    var files: [PackedFile] = []
    // Both are found and their headers checked before anything is written.
    let parts = try [("train", "train"), ("t10k", "test")].map { prefix, name in
      (try open(directory, prefix), "\(output)/\(name).safetensors")
    }
    try File.makeFolder(output)
    for ((images, labels), path) in parts {
      let shape = images.shape + [1]
      try pack(images, labels, shape: shape, to: path)
      files.append(PackedFile(path: path, shape: shape))
    }
    return files
  }

  private static func open(_ directory: String, _ prefix: String) throws -> (IDXFile, IDXFile) {
    let images = try open(
      directory, ["\(prefix)-images-idx3-ubyte", "\(prefix)-images.idx3-ubyte"])
    let labels = try open(
      directory, ["\(prefix)-labels-idx1-ubyte", "\(prefix)-labels.idx1-ubyte"])
    guard images.elementType == .uint8, images.shape.count == 3, images.byteCount > 0 else {
      throw FormatError(
        .content, file: images.path, "holds no images: \(images.elementType) \(images.shape)",
        advice: "check that it is the right file")
    }
    guard labels.elementType == .uint8, labels.shape == [images.shape[0]] else {
      throw FormatError(
        .content, file: labels.path,
        "holds \(labels.elementType) \(labels.shape), not one label for each of \(images.shape[0]) images",
        advice: "check that images and labels belong together")
    }
    return (images, labels)
  }

  private static func open(_ directory: String, _ names: [String]) throws -> IDXFile {
    for name in names {
      for path in ["\(directory)/\(name)", "\(directory)/\(name).gz"] where File.exists(path) {
        return try IDXFile(path: path)
      }
    }
    throw FormatError(
      .io, file: directory, "has no \(names[0]) and no \(names[0]).gz",
      advice: "name the folder that holds the four IDX files of MNIST")
  }

  private static func pack(
    _ images: IDXFile, _ labels: IDXFile, shape: [Int], to path: String
  ) throws {
    var bytes = [UInt8](repeating: 0, count: labels.byteCount)
    try bytes.withUnsafeMutableBytes { try labels.read(into: $0) }
    let classes = bytes.map(Int32.init)
    let x = SafetensorsTensor(name: "x", dtype: .uint8, shape: shape) { sink in
      var piece = [UInt8](repeating: 0, count: min(images.byteCount, 1 << 20))
      for begin in stride(from: 0, to: images.byteCount, by: piece.count) {
        let count = min(piece.count, images.byteCount - begin)
        try piece.withUnsafeMutableBytes { piece in
          let part = UnsafeMutableRawBufferPointer(rebasing: piece[..<count])
          try images.read(into: part)
          try sink(UnsafeRawBufferPointer(part))
        }
      }
    }
    let y = SafetensorsTensor(name: "y", dtype: .int32, shape: [classes.count]) { sink in
      try classes.withUnsafeBytes { try sink($0) }
    }
    let count = Int(bytes.max() ?? 0) + 1
    try SafetensorsWriter.write(
      [x, y], metadata: ["source": "MNIST IDX files", "classes": String(count)], to: path)
  }
}
