import Glibc

/// Memory for tensors, kept and reused, so that a warmed-up training step allocates none.
///
/// Sizes are rounded up to one of four classes per power of two; a buffer goes back to its class
/// when the last tensor that uses it ends. A large buffer is lent out for less, down to half its
/// size: batches of sentences have another width in each step, and would else keep memory for every
/// width. Belongs to one rank.
package final class BufferPool {
  /// Buffers taken from the system so far; it stands still once a step is warm.
  package private(set) var systemAllocations = 0
  /// Bytes taken from the system so far.
  package private(set) var bytes = 0
  /// Bytes that tensors have asked for and still hold.
  package private(set) var heldBytes = 0

  /// The most bytes that are taken from the system.
  ///
  /// Beyond what the machine has, the system gives memory that it lacks, and ends the process that
  /// uses it.
  package var limit = Int.max

  private var free: [[UnsafeMutableRawPointer]] = []
  /// The buffers that the pass in work has taken from the system; nil outside of one.
  private var takenByPass: Set<UnsafeMutableRawPointer>?
  /// Bytes by which a pass may make the pool larger for good.
  private static let keptBytes = 1 << 28
  private static let alignment = 64
  /// From this size on a larger buffer may be taken.
  private static let lentBytes = 1 << 18

  /// Makes an empty pool.
  package init() {}

  deinit { for list in free { for pointer in list { Glibc.free(pointer) } } }

  /// Takes a 64-byte aligned buffer of at least `byteCount` bytes, with whatever it last held.
  ///
  /// - Throws: ``TensorError`` when the system has no such memory.
  func take(_ byteCount: Int) throws -> (pointer: UnsafeMutableRawPointer, sizeClass: Int) {
    guard byteCount <= Int.max / 4 else { throw BufferPool.exhausted(byteCount) }
    let sizeClass = BufferPool.sizeClass(of: byteCount)
    let size = BufferPool.byteCount(ofClass: sizeClass)
    let largest = size < BufferPool.lentBytes ? sizeClass : sizeClass + 4
    var candidate = sizeClass
    while candidate <= largest, candidate < free.count {
      if let pointer = free[candidate].popLast() {
        heldBytes += byteCount
        return (pointer, candidate)
      }
      candidate += 1
    }
    var pointer: UnsafeMutableRawPointer?
    guard size <= limit - bytes, posix_memalign(&pointer, BufferPool.alignment, size) == 0,
      let pointer
    else {
      throw BufferPool.exhausted(byteCount)
    }
    takenByPass?.insert(pointer)
    systemAllocations += 1
    bytes += size
    heldBytes += byteCount
    return (pointer, sizeClass)
  }

  /// Takes back a buffer that ``take(_:)`` gave for so many bytes.
  func give(back pointer: UnsafeMutableRawPointer, byteCount: Int, sizeClass: Int) {
    heldBytes -= byteCount
    while free.count <= sizeClass { free.append([]) }
    free[sizeClass].append(pointer)
  }

  /// Runs a pass that needs other buffers than a step, as a validation that looks for translations does: what it takes
  /// from the system goes back at its end, where it is more than 256 MB.
  ///
  /// - Throws: what `body` throws.
  package func duringPass<Result>(_ body: () throws -> Result) rethrows -> Result {
    let before = bytes
    takenByPass = []
    defer {
      let taken = takenByPass ?? []
      takenByPass = nil
      if bytes - before > BufferPool.keptBytes { giveToSystem(taken) }
    }
    return try body()
  }

  /// Gives those buffers to the system that no tensor holds.
  private func giveToSystem(_ buffers: Set<UnsafeMutableRawPointer>) {
    for sizeClass in free.indices {
      let size = BufferPool.byteCount(ofClass: sizeClass)
      free[sizeClass].removeAll { pointer in
        guard buffers.contains(pointer) else { return false }
        Glibc.free(pointer)
        bytes -= size
        return true
      }
    }
  }

  /// Class 4k + j holds buffers of (4 + j) · 2^k · 16 bytes.
  private static func sizeClass(of byteCount: Int) -> Int {
    let units = max((byteCount + 15) / 16, 4)
    let exponent = Int.bitWidth - 1 - (units - 1).leadingZeroBitCount - 2
    guard exponent >= 0 else { return 0 }
    let mantissa = (units + (1 << exponent) - 1) >> exponent
    return exponent * 4 + (mantissa - 4)
  }

  private static func byteCount(ofClass sizeClass: Int) -> Int {
    (4 + sizeClass & 3) << (sizeClass >> 2) * 16
  }

  private static func exhausted(_ byteCount: Int) -> TensorError {
    TensorError(
      op: "allocate", "no memory for \(byteCount) bytes; use a smaller batch or more ranks",
      exitCode: .fault)
  }
}

/// The memory behind one tensor or several views of it.
final class Storage {
  let pointer: UnsafeMutableRawPointer
  private let pool: BufferPool?
  private let byteCount: Int
  private let sizeClass: Int
  private let owner: AnyObject?

  init(pool: BufferPool, byteCount: Int) throws {
    (pointer, sizeClass) = try pool.take(byteCount)
    self.pool = pool
    self.byteCount = byteCount
    owner = nil
  }

  /// Memory that `owner` keeps alive: an arena, or a batch buffer.
  init(borrowing pointer: UnsafeMutableRawPointer, owner: AnyObject?) {
    self.pointer = pointer
    self.owner = owner
    pool = nil
    byteCount = 0
    sizeClass = 0
  }

  deinit { pool?.give(back: pointer, byteCount: byteCount, sizeClass: sizeClass) }
}
