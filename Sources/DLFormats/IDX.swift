import DLCore

/// An IDX file (the format of MNIST), plain or gzip.
///
/// Two zero bytes, a type code, the number of dimensions, each dimension as a big-endian 32-bit
/// number, then the elements, big-endian. The header is checked before anything is allocated; the
/// elements are read in order. http://yann.lecun.com/exdb/mnist/
package final class IDXFile {
  /// The element types, by their codes.
  package enum ElementType: UInt8, Sendable {
    case uint8 = 0x08
    case int8 = 0x09
    case int16 = 0x0b
    case int32 = 0x0c
    case float32 = 0x0d
    case float64 = 0x0e

    /// Bytes per element.
    package var byteCount: Int {
      switch self {
      case .uint8, .int8: 1
      case .int16: 2
      case .int32, .float32: 4
      case .float64: 8
      }
    }
  }

  /// The path as the caller gave it.
  package var path: String { stream.file.path }
  /// The element type.
  package let elementType: ElementType
  /// The sizes of the dimensions, 1 to 8.
  package let shape: [Int]
  /// The number of bytes of all elements.
  package let byteCount: Int

  private let stream: ByteStream
  private var remaining: Int

  /// Opens a file and checks its header.
  ///
  /// - Throws: `FormatError`.
  package init(path: String) throws {
    let stream = try ByteStream(path: path)
    self.stream = stream
    var magic: [UInt8] = [0, 0, 0, 0]
    let given = try magic.withUnsafeMutableBytes { try stream.readAvailable(into: $0) }
    guard given == magic.count, magic[0] == 0, magic[1] == 0,
      let type = ElementType(rawValue: magic[2]),
      (1...8).contains(magic[3])
    else {
      let rest = try [UInt8](unsafeUninitializedCapacity: FileKind.byteCount) { buffer, count in
        count = try stream.readAvailable(into: UnsafeMutableRawBufferPointer(buffer))
      }
      throw stream.otherKind(
        magic.prefix(given) + rest, than: "an IDX file",
        advice: "give a file such as train-images-idx3-ubyte")
    }
    elementType = type
    var shape: [Int] = []
    var product = type.byteCount
    for _ in 0..<magic[3] {
      var word: UInt32 = 0
      try withUnsafeMutableBytes(of: &word) { try stream.read(into: $0) }
      let size = Int(UInt32(bigEndian: word))
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      guard !overflow else { throw stream.failure("the dimensions \(shape + [size]) overflow") }
      product = next
      shape.append(size)
    }
    self.shape = shape
    byteCount = product
    remaining = product
    let room = stream.maximumCount - stream.position
    guard product <= room, stream.isCompressed || product == room else {
      throw stream.failure("\(shape) needs \(product) bytes of elements, there are \(room)")
    }
  }

  /// Reads the next elements, in the machine's byte order; the buffer takes whole elements.
  ///
  /// The read of the last element also checks that nothing follows it.
  ///
  /// - Throws: `FormatError`.
  package func read(into buffer: UnsafeMutableRawBufferPointer) throws {
    guard buffer.count <= remaining, buffer.count % elementType.byteCount == 0 else {
      throw stream.failure("asked for \(buffer.count) bytes of elements, \(remaining) are left")
    }
    try stream.read(into: buffer)
    remaining -= buffer.count
    switch elementType.byteCount {
    case 2: swap(buffer, as: UInt16.self)
    case 4: swap(buffer, as: UInt32.self)
    case 8: swap(buffer, as: UInt64.self)
    default: break
    }
    if remaining == 0 { try stream.expectEnd() }
  }

  private func swap<T: FixedWidthInteger>(_ buffer: UnsafeMutableRawBufferPointer, as: T.Type) {
    for offset in stride(from: 0, to: buffer.count, by: MemoryLayout<T>.size) {
      let value = T(bigEndian: buffer.loadUnaligned(fromByteOffset: offset, as: T.self))
      buffer.storeBytes(of: value, toByteOffset: offset, as: T.self)
    }
  }
}
