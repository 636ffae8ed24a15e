import DLCluster
import DLCore
import DLFormats
import Glibc
import Synchronization

/// The memory that this process can still have.
package enum MachineMemory {
  /// The least of what the system has available, what the control group of the process leaves of its
  /// limit, and what `ulimit -v` leaves of the address space; `Int.max` where nothing is known.
  package static var availableBytes: Int {
    min(systemBytes, groupBytes, addressSpaceBytes ?? .max)
  }

  /// The bytes that the limit of the address space (`ulimit -v`) leaves; nil where there is none.
  package static var addressSpaceBytes: Int? {
    guard let limits = File.systemText("/proc/self/limits"),
      let line = limits.split(separator: "\n").first(where: { $0.hasPrefix("Max address space") }),
      let limit = line.split(separator: " ").dropFirst(3).first.flatMap({ Int($0) }),
      let pages = File.systemText("/proc/self/statm")?.split(separator: " ").first
        .flatMap({ Int($0) })
    else { return nil }
    return max(limit - pages * max(Int(sysconf(Int32(_SC_PAGESIZE))), 4096), 0)
  }

  /// The number of ranks that take memory at once, and the memory that there was before any of them
  /// did.
  private struct Share {
    let threads: Int
    let ranksOfHost: Int
    let ofProcess: Int
    let ofHost: Int
  }

  private static let share = Mutex<Share?>(nil)

  /// Notes the ranks that are about to take memory together.
  ///
  /// - Parameters:
  ///   - threads: ranks of this process, which have its address space in common.
  ///   - ranksOfHost: ranks of all processes of this host.
  package static func share(threads: Int, ranksOfHost: Int) {
    let found = Share(
      threads: threads, ranksOfHost: ranksOfHost, ofProcess: addressSpaceBytes ?? .max,
      ofHost: min(systemBytes, groupBytes))
    share.withLock { $0 = found }
  }

  /// The shortage where every rank takes so much: the ranks, what they need together and what
  /// there was; nil where it is enough.
  static func shortage(ofEachRank size: CheckedSize) -> (
    ranks: Int, needed: CheckedSize, available: Int
  )? {
    guard let share = share.withLock({ $0 }) else { return nil }
    for (ranks, available) in [
      (share.threads, share.ofProcess), (share.ranksOfHost, share.ofHost),
    ] where (size * ranks).value > available {
      return (ranks, size * ranks, available)
    }
    return nil
  }

  private static var systemBytes: Int {
    let lines = File.systemText("/proc/meminfo")?.split(separator: "\n") ?? []
    let line = lines.first { $0.hasPrefix("MemAvailable:") }
    let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    return kilobytes.map { (CheckedSize($0) * 1024).value } ?? .max
  }

  private static var groupBytes: Int {
    let folders = [
      ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
      (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes"
      ),
    ]
    for (limit, usage) in folders {
      if let limit = number(limit), let usage = number(usage) { return max(limit - usage, 0) }
    }
    return .max
  }

  private static func number(_ path: String) -> Int? {
    File.systemText(path)?.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) }
  }
}

/// A number of elements or bytes whose sums and products cannot overflow: beyond `Int.max` it stays
/// there.
package struct CheckedSize: Comparable, Sendable, CustomStringConvertible {
  /// The number, 0 or more.
  package let value: Int

  /// Makes a size; a negative number counts as 0.
  package init(_ value: Int) { self.value = max(value, 0) }

  /// The sum.
  package static func + (a: Self, b: Self) -> Self {
    let (sum, overflow) = a.value.addingReportingOverflow(b.value)
    return Self(overflow ? .max : sum)
  }

  /// The product.
  package static func * (a: Self, b: Self) -> Self {
    let (product, overflow) = a.value.multipliedReportingOverflow(by: b.value)
    return Self(overflow ? .max : product)
  }

  /// The product with a plain number.
  package static func * (a: Self, b: Int) -> Self { a * Self(b) }

  /// Orders by number.
  package static func < (a: Self, b: Self) -> Bool { a.value < b.value }

  /// The number as bytes, as in `3.2 GiB`.
  package var description: String {
    var amount = Double(value)
    var unit = "bytes"
    for name in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] where amount >= 1024 {
      amount /= 1024
      unit = name
    }
    let tenths = Int((amount * 10).rounded())
    return "\(tenths / 10)" + (tenths % 10 == 0 ? "" : ".\(tenths % 10)") + " \(unit)"
  }

  /// The bytes below which no setting is to blame, as under a limit that came in mid-run.
  private static let littleBytes = 1 << 20

  /// Checks that so many bytes can be had.
  ///
  /// - Parameters:
  ///   - what: the setting that wants them and how large it is, as in `batch_size: 64 rows`.
  ///   - advice: what to do.
  ///   - isOfEachRank: whether every rank of the host takes as many, from what there was before.
  /// - Throws: ``DataError`` with what is wanted and what there is: of the system (74) where that is
  ///   next to nothing.
  package func checkMemory(for what: String, advice: String, isOfEachRank: Bool = false) throws {
    if isOfEachRank {
      guard let short = MachineMemory.shortage(ofEachRank: self) else { return }
      throw DataError(
        "\(what): \(counted(short.ranks, "rank")) together need \(short.needed) of memory, "
          + "\(CheckedSize(short.available)) is available; \(advice)")
    }
    let available = MachineMemory.availableBytes
    guard value > available else { return }
    guard value > CheckedSize.littleBytes else {
      throw DataError(
        "memory: \(CheckedSize(available)) is left, \(self) is needed for \(what); raise the limit of "
          + "address space (ulimit -v) or of memory", exitCode: .io)
    }
    throw DataError(
      "\(what): needs \(self) of memory, \(CheckedSize(available)) is available; \(advice)")
  }
}

/// Memory of a fixed size that is asked for by a call that may fail, and given back at the end.
final class CheckedMemory: @unchecked Sendable {
  let bytes: UnsafeMutableRawBufferPointer

  /// Takes 64-byte aligned memory.
  ///
  /// - Throws: ``DataError`` where the system has none.
  init(byteCount: CheckedSize, for what: String) throws {
    var pointer: UnsafeMutableRawPointer?
    guard byteCount.value < Int.max / 2,
      posix_memalign(&pointer, 64, max(byteCount.value, 64)) == 0, let pointer
    else {
      throw DataError(
        "\(what): no memory for \(byteCount); raise the limit of the process (ulimit -v) or use fewer "
          + "ranks or rows", exitCode: .io)
    }
    bytes = UnsafeMutableRawBufferPointer(start: pointer, count: max(byteCount.value, 64))
  }

  deinit { free(bytes.baseAddress) }
}
