import DLCore

/// One tensor to be written to a safetensors file.
package struct SafetensorsTensor {
  /// Takes the next bytes of a tensor.
  package typealias Sink = (UnsafeRawBufferPointer) throws -> Void

  /// The name, unique in the file.
  package var name: String
  /// The element type.
  package var dtype: SafetensorsType
  /// The sizes of the dimensions.
  package var shape: [Int]
  /// Hands the tensor's bytes to the sink, in order, in pieces of any size.
  package var produce: (Sink) throws -> Void

  /// A tensor whose bytes are made in pieces while the file is written.
  package init(
    name: String, dtype: SafetensorsType, shape: [Int], produce: @escaping (Sink) throws -> Void
  ) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.produce = produce
  }

  /// A tensor in memory, which must stay valid until the file is written.
  package init(name: String, dtype: SafetensorsType, shape: [Int], bytes: UnsafeRawBufferPointer) {
    self.init(name: name, dtype: dtype, shape: shape) { sink in try sink(bytes) }
  }

  /// The size in bytes; throws for a negative dimension or a product that overflows.
  fileprivate func byteCount(file: String) throws -> Int {
    var product = dtype.byteCount
    for size in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      guard !overflow, size >= 0, shape.count <= SafetensorsFile.maximumRank else {
        throw FormatError(
          .content, file: file, "tensor \"\(name)\" cannot have the shape \(shape)",
          advice: "give at most 8 dimensions of 0 or more")
      }
      product = next
    }
    return product
  }
}

/// Writes safetensors files that the reference implementation reads.
package enum SafetensorsWriter {
  /// Writes the tensors and metadata to `path`.
  ///
  /// As in the reference implementation, tensors are laid out by element size, largest first (else
  /// in the order given), and the header is padded to 8 bytes, so that every tensor is aligned.
  /// With `atomically`, `path` is replaced as a whole, with a last word by `committing` (see
  /// `File.replace`).
  ///
  /// - Throws: `FormatError`: with exit code 74 when the system refuses, such as on a full disk.
  package static func write(
    _ tensors: [SafetensorsTensor], metadata: [String: String] = [:], to path: String,
    atomically: Bool = true, committing: () throws -> Void = {}
  ) throws {
    let ordered = tensors.enumerated().sorted {
      ($1.element.dtype.byteCount, $0.offset) < ($0.element.dtype.byteCount, $1.offset)
    }.map(\.element)
    let sizes = try ordered.map { try $0.byteCount(file: path) }
    let header = try makeHeader(ordered, sizes: sizes, metadata: metadata, file: path)
    if atomically {
      try File.replace(path, committing: committing) {
        try write(ordered, sizes: sizes, header: header, to: $0)
      }
    } else {
      let file = try File(path, .create)
      try write(ordered, sizes: sizes, header: header, to: file)
      try file.synchronize()
    }
  }

  private static func makeHeader(
    _ tensors: [SafetensorsTensor], sizes: [Int], metadata: [String: String], file: String
  ) throws -> [UInt8] {
    var members: [JSON.Member] = []
    if !metadata.isEmpty {
      let entries = metadata.sorted { ScalarString($0.key) < ScalarString($1.key) }
      members.append(
        JSON.Member("__metadata__", .object(entries.map { JSON.Member($0, .string($1)) })))
    }
    var names: Set<ScalarString> = ["__metadata__"]
    var position = 0
    for (tensor, size) in zip(tensors, sizes) {
      guard names.insert(ScalarString(tensor.name)).inserted else {
        throw FormatError(
          .content, file: file, "two tensors of the name \"\(tensor.name)\"",
          advice: "give each tensor a name of its own")
      }
      let offsets: JSON = [.integer(position), .integer(position + size)]
      members.append(
        JSON.Member(
          tensor.name,
          [
            "dtype": .string(tensor.dtype.rawValue),
            "shape": .array(tensor.shape.map { .integer($0) }), "data_offsets": offsets,
          ]))
      position += size
    }
    var header = Array(JSON.object(members).description.utf8)
    header.append(
      contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
    return header
  }

  private static func write(
    _ tensors: [SafetensorsTensor], sizes: [Int], header: [UInt8], to file: File
  ) throws {
    let length = UInt64(header.count).littleEndian
    try withUnsafeBytes(of: length) { try file.write($0) }
    try header.withUnsafeBytes { try file.write($0) }
    for (tensor, size) in zip(tensors, sizes) {
      var written = 0
      try tensor.produce { bytes in
        written += bytes.count
        if written <= size { try file.write(bytes) }
      }
      guard written == size else {
        throw FormatError(
          .content, file: file.path,
          "tensor \"\(tensor.name)\" of shape \(tensor.shape) needs \(size) bytes, got \(written)",
          advice: "hand over as many bytes as the shape says")
      }
    }
  }
}
