import CZlib
import DLCore

/// The bytes of a file in order, unpacked on the way if it is gzip (RFC 1952).
final class ByteStream {
  private static let memberMark: [UInt8] = [0x1f, 0x8b]

  let file: File
  let isCompressed: Bool
  /// The number of (unpacked) bytes that have been read.
  private(set) var position = 0
  /// No content can be longer: deflate cannot pack better than 1032 to 1.
  let maximumCount: Int
  /// The first bytes of the file as they are stored, for ``FileKind``.
  let head: [UInt8]

  private var filePosition = 0
  private var input: [UInt8] = []
  private var inputPosition = 0
  // zlib keeps the address of the structure that it was started with.
  private let inflater: UnsafeMutablePointer<z_stream>
  private var ended = false

  init(path: String) throws {
    let file = try File(path, .read)
    let fileCount = try file.byteCount()
    head = try [UInt8](unsafeUninitializedCapacity: FileKind.byteCount) { buffer, count in
      count = try file.readAvailable(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
    }
    self.file = file
    isCompressed = head.starts(with: Self.memberMark)
    let (product, overflow) = fileCount.multipliedReportingOverflow(by: 1032)
    maximumCount = !isCompressed ? fileCount : overflow ? Int.max : product
    inflater = .allocate(capacity: 1)
    inflater.initialize(to: z_stream())
    if isCompressed {
      let windowBitsForGzip: Int32 = 15 + 16
      let status = inflateInit2_(
        inflater, windowBitsForGzip, zlibVersion(), Int32(MemoryLayout<z_stream>.size))
      guard status == Z_OK else {
        throw FormatError(
          .io, file: path, "zlib cannot start (\(status))", advice: "free some memory")
      }
    }
  }

  deinit {
    if isCompressed { inflateEnd(inflater) }
    inflater.deallocate()
  }

  /// Reads up to `buffer.count` bytes; fewer only at the end.
  func readAvailable(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let count =
      isCompressed
      ? try inflateAvailable(into: buffer) : try file.readAvailable(into: buffer, at: position)
    position += count
    return count
  }

  /// Fills the buffer; throws a content error where the content ends too early.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws {
    let count = try readAvailable(into: buffer)
    guard count == buffer.count else {
      throw failure("ends \(buffer.count - count) bytes too early")
    }
  }

  /// Throws unless the content ends here.
  func expectEnd() throws {
    var byte: UInt8 = 0
    let count = try withUnsafeMutableBytes(of: &byte) { try readAvailable(into: $0) }
    guard count == 0 else { throw failure("goes on after the last expected byte") }
  }

  func failure(_ what: String) -> FormatError {
    FormatError(
      .content, file: file.path, at: position, what + (isCompressed ? " once unpacked" : ""),
      advice: "make or copy it again")
  }

  /// The fault of content of another kind; `head` is its beginning and `wanted` what is due, with
  /// its article.
  func otherKind(_ head: [UInt8], than wanted: String, advice: String) -> FormatError {
    let kind = FileKind(head)
    let packed = isCompressed ? " once unpacked" : ""
    return FormatError(
      .content, file: file.path, at: 0,
      "\(kind.map { "is \($0.name)\(packed), not" } ?? "is not") \(wanted)"
        + (kind == nil ? packed : ""), advice: kind?.use ?? advice)
  }

  private func refill() throws {
    input = try [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
      count = try file.readAvailable(into: UnsafeMutableRawBufferPointer(buffer), at: filePosition)
    }
    filePosition += input.count
    inputPosition = 0
  }

  private func inflateAvailable(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    var done = 0
    while done < buffer.count, !ended {
      if inputPosition == input.count { try refill() }
      if input.isEmpty { throw damaged("the gzip stream is cut short") }
      let room = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let (status, used, made) = step(into: room)
      inputPosition += used
      done += made
      switch status {
      case Z_OK: break
      case Z_STREAM_END:
        try beginNextMember()
      case Z_BUF_ERROR where inputPosition == input.count: break
      default: throw damaged("the gzip stream is damaged")
      }
    }
    return done
  }

  /// A gzip file may hold several members, one after the other, each padded with zero bytes, as
  /// tapes and block stores leave them; gzip and Python's gzip pass over these.
  private func beginNextMember() throws {
    while true {
      if inputPosition == input.count { try refill() }
      guard let place = input[inputPosition...].firstIndex(where: { $0 != 0 }) else {
        if input.isEmpty {
          ended = true
          return
        }
        inputPosition = input.count
        continue
      }
      inputPosition = place
      guard input[place] == Self.memberMark[0] else {
        throw damaged("bytes that are no gzip follow the last gzip member")
      }
      inflateReset(inflater)
      return
    }
  }

  private func step(into room: UnsafeMutableRawBufferPointer) -> (Int32, Int, Int) {
    let outputCount = min(room.count, Int(Int32.max))
    return input.withUnsafeMutableBufferPointer { bytes in
      let inputCount = bytes.count - inputPosition
      inflater.pointee.next_in = bytes.baseAddress! + inputPosition
      inflater.pointee.avail_in = UInt32(inputCount)
      inflater.pointee.next_out = room.baseAddress!.assumingMemoryBound(to: UInt8.self)
      inflater.pointee.avail_out = UInt32(outputCount)
      let status = inflate(inflater, Z_NO_FLUSH)
      return (
        status, inputCount - Int(inflater.pointee.avail_in),
        outputCount - Int(inflater.pointee.avail_out)
      )
    }
  }

  private func damaged(_ what: String) -> FormatError {
    FormatError(
      .content, file: file.path, at: filePosition - input.count + inputPosition, what,
      advice: "make or copy it again")
  }
}
