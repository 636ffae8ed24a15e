import DLCore

/// The element types of safetensors files, by the names they have there.
package enum SafetensorsType: String, Sendable, Hashable, CaseIterable {
  case bool = "BOOL"
  case uint8 = "U8"
  case int8 = "I8"
  case float8e5m2 = "F8_E5M2"
  case float8e4m3 = "F8_E4M3"
  case float8e8m0 = "F8_E8M0"
  case int16 = "I16"
  case uint16 = "U16"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case int32 = "I32"
  case uint32 = "U32"
  case float32 = "F32"
  case complex64 = "C64"
  case float64 = "F64"
  case int64 = "I64"
  case uint64 = "U64"

  /// Bytes per element.
  package var byteCount: Int {
    switch self {
    case .bool, .uint8, .int8, .float8e5m2, .float8e4m3, .float8e8m0: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .complex64, .float64, .int64, .uint64: 8
    }
  }
}

/// The entry of one tensor in a safetensors file.
package struct SafetensorsInfo: Sendable, Hashable {
  /// The name, unique in the file.
  package let name: String
  /// The element type.
  package let dtype: SafetensorsType
  /// The sizes of the dimensions, at most 8; empty for a scalar.
  package let shape: [Int]
  /// The place of the bytes in the file, counted from its beginning; of elements that are converted
  /// as many as they are then.
  package let bytes: Range<Int>
  /// The type in the file of elements that are converted when they are read; nil for the same.
  var stored: SafetensorsType?

  /// The number of elements.
  package var count: Int { bytes.count / dtype.byteCount }

  /// Bytes per row, a row being one index of the first dimension.
  package var rowByteCount: Int { shape.dropFirst().reduce(dtype.byteCount, *) }
}

/// An open safetensors file.
///
/// The header is checked as a whole at opening, as hostile input: nothing in it can make a later
/// read leave the file. Data are read by pread, never mapped, so that a file cut short in use is a
/// thrown error. May be used from several threads.
///
/// The format: https://github.com/huggingface/safetensors#format
package final class SafetensorsFile: Sendable {
  /// The longest header accepted, as in the reference implementation.
  package static let maximumHeaderByteCount = 100_000_000
  /// The most dimensions accepted.
  package static let maximumRank = 8

  /// The path as the caller gave it.
  package var path: String { file.path }
  /// The tensors in the order of their bytes.
  package let tensors: [SafetensorsInfo]
  /// The entries of `__metadata__` by their keys; of canonically equivalent keys the last.
  package let metadata: [String: String]
  /// All entries of `__metadata__`, in the order of the file.
  package let metadataEntries: [(key: String, value: String)]

  private let file: File
  private let stamp: File.Stamp
  private let index: [ScalarString: Int]

  /// Opens a file and checks its header against its length.
  ///
  /// - Parameter reading: the type to read a tensor as, by its name and its type in the file; one of
  ///   those of ``SafetensorsConversion``.
  /// - Throws: `FormatError`.
  package init(
    path: String, reading type: (String, SafetensorsType) -> SafetensorsType = { $1 }
  ) throws {
    let file = try File(path, .read)
    stamp = try file.stamp()
    let header = try SafetensorsHeader(file)
    self.file = file
    tensors = header.tensors.map { $0.read(as: type($0.name, $0.dtype)) }
    metadataEntries = header.metadata
    metadata = Dictionary(header.metadata.map { ($0.key, $0.value) }) { _, last in last }
    index = Dictionary(
      tensors.enumerated().map { (ScalarString($1.name), $0) }, uniquingKeysWith: { one, _ in one })
  }

  /// The identity of the open file's content, to tell later whether it is the same.
  ///
  /// - Throws: `FormatError` where the system does not tell it.
  package func identity() throws -> File.Identity { try file.identity() }

  /// The tensor of that name, if there is one; O(1).
  package subscript(name: String) -> SafetensorsInfo? {
    index[ScalarString(name)].map { tensors[$0] }
  }

  /// The tensor of that name.
  ///
  /// - Throws: `FormatError` of content that names it, if there is none.
  package func info(_ name: String) throws -> SafetensorsInfo {
    guard let info = self[name] else {
      throw FormatError(
        .content, file: path, "has no tensor \"\(name)\"",
        advice: "list what it holds with dltrain inspect")
    }
    return info
  }

  /// Reads a whole tensor into a buffer of exactly its size.
  ///
  /// - Throws: `FormatError` where there is none of that name, its size is another, or the file
  ///   cannot be read.
  package func read(_ name: String, into buffer: UnsafeMutableRawBufferPointer) throws {
    let info = try info(name)
    try read(info, bytes: 0..<info.bytes.count, into: buffer)
  }

  /// Reads the rows (indices of the first dimension) of a tensor into a buffer of exactly their
  /// size.
  ///
  /// - Throws: `FormatError` where it has no such rows, their size is another, or the file cannot
  ///   be read.
  package func read(
    _ info: SafetensorsInfo, rows: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
  ) throws {
    guard rows.lowerBound >= 0, rows.upperBound <= info.shape.first ?? 0 else {
      throw FormatError(
        .content, file: path, "tensor \"\(info.name)\" of shape \(info.shape) has no rows \(rows)",
        advice: "ask for rows that it has")
    }
    let size = info.rowByteCount
    try read(info, bytes: rows.lowerBound * size..<rows.upperBound * size, into: buffer)
  }

  /// Reads bytes of a tensor, counted from its own beginning, into a buffer of exactly their
  /// number.
  ///
  /// - Throws: `FormatError` where these are no bytes of the tensor, the file cannot be read, a
  ///   value has none of the type asked for, or the file has been written to since it was opened.
  package func read(
    _ info: SafetensorsInfo, bytes: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
  ) throws {
    guard bytes.lowerBound >= 0, bytes.upperBound <= info.bytes.count, buffer.count == bytes.count
    else {
      throw FormatError(
        .content, file: path,
        "tensor \"\(info.name)\" has \(info.bytes.count) bytes, asked for \(bytes) into \(buffer.count)",
        advice: "check that shapes and types of file and model agree")
    }
    if let conversion = SafetensorsConversion(info) {
      try conversion.read(bytes, of: file, into: buffer)
    } else {
      try file.read(into: buffer, at: info.bytes.lowerBound + bytes.lowerBound)
    }
    guard try file.stamp() == stamp else {
      throw FormatError(
        .content, file: path, "was changed while it is in use",
        advice: "start again with the file as it is to be; replace files by renaming another")
    }
  }

  /// Reads a whole tensor.
  ///
  /// - Throws: `FormatError` where there is none of that name, or the file cannot be read.
  package func bytes(_ name: String) throws -> [UInt8] {
    let info = try info(name)
    return try [UInt8](unsafeUninitializedCapacity: info.bytes.count) { buffer, count in
      try read(name, into: UnsafeMutableRawBufferPointer(buffer))
      count = info.bytes.count
    }
  }
}
