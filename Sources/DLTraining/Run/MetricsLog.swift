import DLFormats

/// `metrics.jsonl`: one JSON object a line, numbers with 17 significant digits.
///
/// Rank 0 alone has one.
final class MetricsLog {
  private let file: File
  private let lease: RunLease
  private var pending = ""

  /// Opens the file, keeping its lines up to and including optimizer step `step`.
  ///
  /// A last line that a killed run left unfinished is cut off too; one that cannot be read and has
  /// such lines behind it stays with them. Nothing is written any more once the lease is lost.
  init(_ path: String, resumingAt step: Int, lease: RunLease) throws {
    self.lease = lease
    guard step > 0, try File.kind(of: path) != nil else {
      file = try File(path, .create)
      return
    }
    let bytes = try File.contents(of: path, limit: .max)
    var kept = 0
    var start = 0
    while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
      let line = String(decoding: bytes[start..<end], as: UTF8.self)
      start = end + 1
      guard let at = (try? JSON(parsing: line))?["step"]?.int else { continue }
      guard at <= step else { break }
      kept = start
    }
    file = try File(path, .append)
    try file.truncate(to: kept)
  }

  /// Adds a line; it reaches the file at the next ``flush()``.
  func append(_ members: [JSON.Member]) throws {
    pending += JSON.object(members).description + "\n"
    if pending.utf8.count > 1 << 16 { try flush() }
  }

  /// Hands all lines to the system.
  func flush() throws {
    guard !pending.isEmpty else { return }
    try lease.check()
    try file.write(pending)
    pending = ""
  }
}
