import DLCore
import DLFormats

/// `metrics.jsonl`: one JSON object a line, numbers with 17 significant digits.
///
/// Rank 0 alone has one.
struct MetricsLog: Sendable {
  private let file: File
  private let lease: RunLock
  private var pending = ""
  /// The bytes of whole lines in the file.
  private var byteCount: Int

  /// Opens the file, keeping its lines up to and including optimizer step `step`.
  ///
  /// A last line that a killed run left unfinished is cut off too; one that cannot be read and has
  /// such lines behind it stays with them. Nothing is written any more once the lease is lost.
  init(_ path: String, resumingAt step: Int, lease: RunLock) throws {
    self.lease = lease
    byteCount = 0
    guard step > 0, try File.kind(of: path) != nil else {
      // Lines go to the end, wherever that is behind one that was cut off.
      file = try File(path, .append)
      try file.truncate(to: 0)
      return
    }
    let bytes = try File.contents(of: path, limit: .max)
    var start = 0
    while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
      let line = String(decoding: bytes[start..<end], as: UTF8.self)
      start = end + 1
      guard let at = (try? JSON(parsing: line))?["step"]?.int else { continue }
      guard at <= step else { break }
      byteCount = start
    }
    file = try File(path, .append)
    try file.truncate(to: byteCount)
  }

  /// Adds a line; it reaches the file at the next ``flush()``.
  mutating func append(_ members: [JSON.Member]) throws {
    pending += JSON.object(members).description + "\n"
    if pending.utf8.count > 1 << 16 { try flush() }
  }

  /// Hands all lines to the system.
  ///
  /// Where that fails the file keeps whole lines, and the others are tried again.
  mutating func flush() throws {
    guard !pending.isEmpty else { return }
    try lease.check()
    do {
      try file.write(pending)
    } catch {
      try? file.truncate(to: byteCount)
      throw error
    }
    byteCount += pending.utf8.count
    pending = ""
  }

  /// Forces the file to the disk.
  func synchronize() throws { try file.synchronize() }

  /// The step of the last whole line of a file; nil where there is none.
  static func lastStep(_ path: String) -> Int? {
    guard let file = try? File(path, .read), let count = try? file.byteCount() else { return nil }
    let start = max(count - (1 << 14), 0)
    let bytes = try? [UInt8](unsafeUninitializedCapacity: count - start) { buffer, filled in
      filled = try file.readAvailable(into: UnsafeMutableRawBufferPointer(buffer), at: start)
    }
    let lines = bytes?.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) ?? []
    // What follows the last line break is unfinished.
    return lines.dropLast().last.flatMap {
      (try? JSON(parsing: String(decoding: $0, as: UTF8.self)))?["step"]?.int
    }
  }
}
