import DLCluster
import DLCore
import DLFormats
import Glibc

/// Keeps the statistics of data set files between programs, so that a large file is read through
/// once and not at each start.
///
/// An entry belongs to a file's identity and not to its path: it is found again after a renaming,
/// and no more after a write. Entries lie in `data-N.json` files of a folder of the user's; a folder
/// that cannot be written to means that nothing is kept.
package struct StatisticsCache: Sendable {
  /// The folder.
  package let folder: String

  static let format = 1
  private static let slots: UInt64 = 4096
  /// Nanoseconds that a file must have been left alone for: clocks of file systems tick slowly, and
  /// a write within the same tick would go unnoticed.
  private static let settling = 2_000_000_000

  /// Makes a cache in a folder, which need not be there yet.
  package init(folder: String) { self.folder = folder }

  /// `dltrain` in `$XDG_CACHE_HOME`, or in `.cache` of the home folder; nil where neither is
  /// known.
  package static var standard: StatisticsCache? {
    func variable(_ name: String) -> String? {
      getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    let parent = variable("XDG_CACHE_HOME") ?? variable("HOME").map { $0 + "/.cache" }
    return parent.map { StatisticsCache(folder: $0 + "/dltrain") }
  }

  private func path(_ identity: File.Identity) -> String {
    "\(folder)/data-\(stableHash(Self.key(identity)) % Self.slots).json"
  }

  private static func key(_ identity: File.Identity) -> String {
    "\(format) \(identity.byteCount) \(identity.inode) \(identity.modified) \(identity.changed)"
  }

  /// The statistics of the file of this identity; nil where they are not known.
  package func statistics(of identity: File.Identity) -> FileStatistics? {
    guard let bytes = try? File.contents(of: path(identity), limit: 1 << 20),
      let text = String(validating: bytes, as: UTF8.self), let json = try? JSON(parsing: text),
      json["file"]?.string == Self.key(identity), let digest = json["digest"]?.string,
      let members = json["columns"]?.members
    else { return nil }
    var columns: [String: ColumnStatistics] = [:]
    for member in members {
      guard let statistics = ColumnStatistics(json: member.value) else { return nil }
      columns[member.key] = statistics
    }
    return FileStatistics(digest: digest, columns: columns, of: identity)
  }

  /// Keeps what was found of a file.
  ///
  /// - Parameter now: nanoseconds since 1970.
  package func keep(
    _ statistics: FileStatistics, of identity: File.Identity, now: Int = Self.clock
  ) {
    guard max(identity.modified, identity.changed) < now - Self.settling else { return }
    let columns = statistics.columns.sorted { $0.key < $1.key }
      .map { JSON.Member($0.key, $0.value.json) }
    let json = JSON.object([
      .init("file", .string(Self.key(identity))), .init("digest", .string(statistics.digest)),
      .init("columns", .object(columns)),
    ])
    let path = path(identity)
    // Several threads of several processes may do so at once.
    let temporary = "\(path).\(getpid()).\(pthread_self()).tmp"
    do {
      try File.makeFolder(folder)
      try File(temporary, .create).write(json.description + "\n")
      try File.rename(temporary, to: path)
    } catch {
      unlink(temporary)
    }
  }

  /// The time in nanoseconds since 1970.
  package static var clock: Int {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}
