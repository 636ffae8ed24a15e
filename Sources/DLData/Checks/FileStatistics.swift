import CKernels
import DLCore
import DLFormats

/// The result of one pass over a data set file: a digest of its content, and statistics of its
/// tensors.
package struct FileStatistics: Sendable, Equatable {
  /// A digest of names, types, shapes and values of all tensors, 16 hexadecimal digits.
  ///
  /// The metadata, the path and the dates have no part in it.
  package let digest: String
  /// The statistics of each tensor of float32 or int32 numbers.
  package let columns: [String: ColumnStatistics]

  /// The file that was passed over; nil where that is not told.
  let identity: File.Identity?

  /// Makes statistics that were noted before.
  package init(
    digest: String, columns: [String: ColumnStatistics], of identity: File.Identity? = nil
  ) {
    self.digest = digest
    self.columns = columns
    self.identity = identity
  }

  /// Statistics are equal where the contents are, of whichever files.
  package static func == (a: FileStatistics, b: FileStatistics) -> Bool {
    a.digest == b.digest && a.columns == b.columns
  }

  /// These statistics where they are of this file, and not of one that lay there before it.
  ///
  /// - Throws: `FormatError` where the system does not tell the file's identity.
  package func of(_ file: SafetensorsFile) throws -> FileStatistics? {
    try identity == nil || identity == file.identity() ? self : nil
  }
}

/// A stretch of a tensor that is scanned at once.
///
/// The length of stretches is part of the digest.
struct FilePiece {
  static let byteCount = 1 << 20

  /// The tensor's place in the file.
  let tensor: Int
  /// The bytes of the tensor.
  let bytes: Range<Int>

  /// The pieces of a file, in the order of its bytes.
  static func all(of file: SafetensorsFile) -> [FilePiece] {
    file.tensors.enumerated().flatMap { index, info in
      stride(from: 0, to: info.bytes.count, by: byteCount).map { begin in
        FilePiece(tensor: index, bytes: begin..<min(begin + byteCount, info.bytes.count))
      }
    }
  }
}

/// The findings of one piece.
struct PieceRecord {
  static let wordCount = 1 + ColumnStatistics.wordCount

  let checksum: UInt64
  let statistics: ColumnStatistics

  init(_ bytes: UnsafeRawBufferPointer, _ type: SafetensorsType) {
    checksum = dl_checksum(bytes.baseAddress, bytes.count)
    statistics = ColumnStatistics(of: bytes, type)
  }

  init(words: ArraySlice<Int64>) {
    checksum = UInt64(bitPattern: words[words.startIndex])
    statistics = ColumnStatistics(words: words.dropFirst())
  }

  var words: [Int64] { [Int64(bitPattern: checksum)] + statistics.words }
}

extension FileStatistics {
  /// Puts together what was found of all pieces of a file; the result does not depend on who
  /// scanned which.
  init(
    merging records: [PieceRecord], _ pieces: [FilePiece], of file: SafetensorsFile,
    _ identity: File.Identity
  ) {
    var columns: [String: ColumnStatistics] = [:]
    for (record, piece) in zip(records, pieces) {
      let info = file.tensors[piece.tensor]
      guard [.float32, .int32].contains(info.dtype) else { continue }
      columns[info.name, default: .init()].merge(
        record.statistics, offset: piece.bytes.lowerBound / info.dtype.byteCount)
    }
    let shapes = file.tensors.map { info in
      JSON.array([
        .string(info.name), .string(info.dtype.rawValue),
        .array(info.shape.map { .integer($0) }),
      ])
    }
    var words = [UInt64](JSON.array(shapes).description.utf8.map { UInt64($0) })
    words += records.map(\.checksum)
    let sum = words.withUnsafeBytes { dl_checksum($0.baseAddress, $0.count) }
    self.init(digest: Format.padded(sum, 16, radix: 16), columns: columns, of: identity)
  }
}
