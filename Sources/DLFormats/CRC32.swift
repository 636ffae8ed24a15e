import CZlib

/// The CRC-32 of zlib, gzip and PNG (ISO 3309), over bytes given in pieces.
package struct CRC32: Sendable, Hashable {
  /// The checksum of all bytes so far.
  package private(set) var value: UInt32 = 0

  /// The checksum of no bytes, 0.
  package init() {}

  /// Adds bytes; O(n).
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    // zlib takes a null pointer as a request for the initial value.
    guard let base = bytes.baseAddress, bytes.count > 0 else { return }
    let typed = base.assumingMemoryBound(to: UInt8.self)
    value = UInt32(truncatingIfNeeded: crc32_z(uLong(value), typed, bytes.count))
  }

  /// Adds bytes of which the checksum and the number are known; O(log n).
  package mutating func append(_ sum: CRC32, byteCount: Int) {
    value = UInt32(
      truncatingIfNeeded: crc32_combine(uLong(value), uLong(sum.value), byteCount))
  }

  /// Takes up a checksum.
  package init(value: UInt32) { self.value = value }

  /// The checksum of the bytes.
  package static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var sum = CRC32()
    sum.update(bytes)
    return sum.value
  }
}
