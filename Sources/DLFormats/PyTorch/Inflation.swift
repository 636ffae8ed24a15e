import CZlib
import DLCore

/// The unpacking of one deflated member of an archive (RFC 1951), never beyond what is asked for.
final class Inflation {
  private let file: File
  private let name: String
  private var left: Range<Int>
  private var input: [UInt8] = []
  private var used = 0
  // zlib keeps the address of the structure that it was started with.
  private let stream: UnsafeMutablePointer<z_stream>
  private var hasEnded = false

  /// Starts at the beginning of a member that has these bytes of the file.
  init(_ file: File, _ bytes: Range<Int>, name: String) throws {
    (self.file, self.name, left) = (file, name, bytes)
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let windowBitsWithoutHeader: Int32 = -15
    let status = inflateInit2_(
      stream, windowBitsWithoutHeader, zlibVersion(), Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else {
      stream.deallocate()
      throw FormatError(
        .io, file: file.path, "zlib cannot start (\(status))", advice: "free some memory")
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Unpacks up to a part of the content, and keeps that; once.
  func read(_ part: Range<Int>, into buffer: UnsafeMutableRawBufferPointer) throws {
    try withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { scratch in
      var passed = 0
      while passed < part.lowerBound {
        let count = min(scratch.count, part.lowerBound - passed)
        try fill(UnsafeMutableRawBufferPointer(rebasing: scratch[..<count]))
        passed += count
      }
    }
    try fill(buffer)
  }

  private func fill(_ buffer: UnsafeMutableRawBufferPointer) throws {
    var done = 0
    while done < buffer.count {
      if used == input.count, !hasEnded { try refill() }
      guard !hasEnded, !input.isEmpty else { throw fault("ends too early") }
      let room = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let (status, taken, made) = step(room)
      (used, done) = (used + taken, done + made)
      switch status {
      case Z_OK: break
      case Z_STREAM_END: hasEnded = true
      case Z_BUF_ERROR where taken + made > 0 || used == input.count: break
      default: throw fault("is no deflated data")
      }
    }
  }

  private func refill() throws {
    let count = min(left.count, 1 << 16)
    input = try ZipArchive.bytes(of: file, left.lowerBound..<left.lowerBound + count)
    left = left.lowerBound + count..<left.upperBound
    used = 0
  }

  private func step(_ room: UnsafeMutableRawBufferPointer) -> (Int32, taken: Int, made: Int) {
    let roomCount = min(room.count, Int(Int32.max))
    return input.withUnsafeMutableBufferPointer { bytes in
      guard let base = bytes.baseAddress, let target = room.baseAddress else {
        return (Z_DATA_ERROR, 0, 0)
      }
      let count = bytes.count - used
      stream.pointee.next_in = base + used
      stream.pointee.avail_in = UInt32(count)
      stream.pointee.next_out = target.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(roomCount)
      let status = inflate(stream, Z_NO_FLUSH)
      return (
        status, count - Int(stream.pointee.avail_in), roomCount - Int(stream.pointee.avail_out)
      )
    }
  }

  private func fault(_ what: String) -> FormatError {
    ZipArchive.fault(file, "\(name): \(what) where it is unpacked", at: left.lowerBound)
  }
}
