import DLCore
import DLFormats

/// Turns the four IDX files of MNIST (or Fashion-MNIST, or EMNIST renamed) into two data set files.
package enum MNISTPacker {
  /// Reads `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and their `t10k-` counterparts,
  /// plain or with `.gz`, and writes `train.safetensors` and `test.safetensors` into the folder
  /// `output`: x U8 [N, height, width, 1] and y I32 [N].
  ///
  /// With `split` the images to train on are parted, into `train` and `validation` or into folds;
  /// those to test on stay as they are.
  ///
  /// - Throws: `FormatError`, and `DataError` for a plan that asks for a third part.
  package static func packMNIST(directory: String, output: String, split: SplitPlan? = nil) throws
    -> [PackedFile]
  {
    guard split?.folds != nil || split?.shares.count ?? 1 < 3 else {
      throw DataError(
        "split: MNIST has its part for testing, give the shares for training and validation, as 0.9"
      )
    }
    // Both are found and their headers checked before anything is written.
    let (train, test) = (try open(directory, "train"), try open(directory, "t10k"))
    let trainLabels = try classes(train.labels)
    let rows = try split.map {
      try RowSplit(
        count: trainLabels.count, $0, labels: trainLabels, source: train.images.path)
    }
    let target = try PackOutput(output, parts: (rows?.sets.joined().count ?? 1) + 1)
    var files: [PackedFile] = []
    if let rows {
      for part in rows.sets.joined() {
        files.append(
          try pack(train.images, trainLabels, to: target.path(part.name)) {
            rows.contains($0, in: part)
          })
      }
    } else {
      files.append(try pack(train.images, trainLabels, to: target.path("train")) { _ in true })
    }
    let testLabels = try classes(test.labels)
    files.append(try pack(test.images, testLabels, to: target.path("test")) { _ in true })
    return files
  }

  private static func classes(_ labels: IDXFile) throws -> [Int32] {
    var bytes = [UInt8](repeating: 0, count: labels.byteCount)
    try bytes.withUnsafeMutableBytes { try labels.read(into: $0) }
    return bytes.map(Int32.init)
  }

  private static func open(_ directory: String, _ prefix: String) throws
    -> (images: IDXFile, labels: IDXFile)
  {
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

  /// Writes the images that are chosen; the file is gone through from its beginning for each part.
  private static func pack(
    _ header: IDXFile, _ labels: [Int32], to path: String,
    isChosen: @escaping (Int) -> Bool
  ) throws -> PackedFile {
    let rows = labels.indices.filter(isChosen)
    let shape = [rows.count] + header.shape.dropFirst() + [1]
    let size = header.byteCount / labels.count
    let x = SafetensorsTensor(name: "x", dtype: .uint8, shape: shape) { sink in
      let images = try IDXFile(path: header.path)
      let atOnce = max(1, (1 << 20) / size)
      var piece = [UInt8](repeating: 0, count: atOnce * size)
      for first in stride(from: 0, to: labels.count, by: atOnce) {
        let count = min(atOnce, labels.count - first)
        try piece.withUnsafeMutableBytes { piece in
          try images.read(into: UnsafeMutableRawBufferPointer(rebasing: piece[..<(count * size)]))
          for row in 0..<count where isChosen(first + row) {
            try sink(UnsafeRawBufferPointer(rebasing: piece[row * size..<(row + 1) * size]))
          }
        }
      }
    }
    let count = Int(labels.max() ?? 0) + 1
    try PackedFile.write(
      [x, .values("y", rows.map { labels[$0] })],
      metadata: ["source": "MNIST IDX files", "classes": String(count)], to: path)
    return PackedFile(path: path, shape: shape)
  }
}
