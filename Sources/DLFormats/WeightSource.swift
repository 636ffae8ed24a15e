import DLCore

/// Named tensors to read weights from: those of one file, whatever its format, or of several.
package protocol WeightSource: Sendable {
  /// The path as the caller gave it.
  var path: String { get }
  /// The tensors, in an order of their own.
  ///
  /// `bytes` of each counts as if all lay one after the other; only its length tells something.
  var tensors: [SafetensorsInfo] { get }
  /// The notes of the files on themselves.
  var metadata: [String: String] { get }
  /// Reads a whole tensor, its elements in row-major order, into a buffer of exactly its size.
  ///
  /// - Throws: `FormatError` where the file is cut short or damaged.
  func read(_ info: SafetensorsInfo, into buffer: UnsafeMutableRawBufferPointer) throws
}

extension SafetensorsFile: WeightSource {
  /// Reads a whole tensor into a buffer of exactly its size.
  ///
  /// - Throws: `FormatError` where the size is another, or the file cannot be read.
  package func read(_ info: SafetensorsInfo, into buffer: UnsafeMutableRawBufferPointer) throws {
    try read(info, bytes: 0..<info.bytes.count, into: buffer)
  }
}

extension WeightSource {
  /// The elements of a tensor as bytes.
  ///
  /// - Throws: `FormatError` where the file is cut short or damaged.
  package func bytes(_ info: SafetensorsInfo) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: info.bytes.count) { buffer, count in
      try read(info, into: UnsafeMutableRawBufferPointer(buffer))
      count = info.bytes.count
    }
  }
}

/// The formats that weights are read from.
package enum WeightSources {
  /// Opens a safetensors file, a PyTorch file, or the index of a model that is stored in several.
  ///
  /// - Throws: `FormatError`; of a file of another kind it names that and what to do.
  package static func open(_ path: String) throws -> any WeightSource {
    let head = try head(of: path)
    return head.first { $0 > 0x20 } == UInt8(ascii: "{") && !FileKind.isSafetensors(head)
      ? try ShardedWeights(index: path) : try openOne(path, head)
  }

  /// Opens a file that holds its tensors itself.
  static func openOne(_ path: String, _ head: [UInt8]? = nil) throws -> any WeightSource {
    let head = try head ?? Self.head(of: path)
    if head.starts(with: ZipArchive.mark) { return try PyTorchFile(path: path) }
    guard !head.starts(with: legacyMark) else {
      throw FormatError(
        .content, file: path, at: 0, "was written by torch.save without an archive, as before 1.6",
        advice: "convert it: " + PyTorchFile.conversion(of: path, runningCode: false))
    }
    return try SafetensorsFile(path: path)
  }

  /// A pickle of the number 0x1950a86a20f9469cfc6c, which torch.save wrote first.
  private static let legacyMark: [UInt8] = [
    0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19,
  ]

  private static func head(of path: String) throws -> [UInt8] {
    let file = try File(path, .read)
    return try [UInt8](unsafeUninitializedCapacity: FileKind.byteCount) { buffer, count in
      count = try file.readAvailable(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
    }
  }
}
