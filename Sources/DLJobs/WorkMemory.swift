import DLCluster
import DLData
import Glibc

/// Address space for what libraries take without a way to fail, asked for before they do.
///
/// OpenBLAS takes a work buffer of 128 MiB for each thread that multiplies matrices, and tries again
/// for ever where the system refuses it; Swift ends a process that gets no memory for an object. All
/// that matters only where the address space is limited (`ulimit -v`, some batch systems).
enum WorkMemory {
  /// The bytes that one of OpenBLAS's buffers takes, with some room.
  private static let bufferBytes = 132 << 20
  /// The bytes that are to be left for objects of the program, malloc's arenas, and the stacks of
  /// other threads.
  private static let spareBytes = 128 << 20
  /// The bytes that MPI takes when it begins.
  private static let mpiBytes = 128 << 20
  /// OpenBLAS's own limit of buffers is above this.
  private static let mostBuffers = 64

  /// Starts the program anew without the threads that OpenBLAS makes while it is loaded, and with one
  /// heap for all threads.
  ///
  /// Each of OpenBLAS's threads has a buffer that nobody uses: ranks multiply by one thread each.
  /// malloc reserves 64 MiB or more for each thread, which the program's small objects then lack.
  /// Does nothing without a limit, nor in `dltrain` itself, which has done so before its libraries were loaded
  /// (`CStart`): it is for programs that have the library alone.
  static func leaveOutThreads() {
    let variables = ["OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX"]
    // A program that was started by the user with both, or anew by this, goes on.
    guard MachineMemory.addressSpaceBytes != nil, variables.contains(where: { getenv($0) == nil })
    else { return }
    for name in variables { setenv(name, "1", 0) }
    var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
    arguments.append(nil)
    execv("/proc/self/exe", arguments)
    // Refused: goes on as it is.
    for argument in arguments { free(argument) }
  }

  /// Takes the buffer of the thread that starts the program, before MPI begins, which takes what it
  /// wants without a way to fail too.
  static func reserveForStart() throws {
    let isLaunched = Launcher.detect() != nil
    try reserve(ranks: 1, taken: 0, stackBytes: isLaunched ? mpiBytes : 0)
  }

  /// Takes OpenBLAS's buffers for the ranks of this process, so that no product has to wait for one.
  ///
  /// Also where nothing is limited: a limit may come while the ranks train (`prlimit`), and what is
  /// never written to takes no memory.
  ///
  /// - Parameters:
  ///   - taken: how many this process has.
  ///   - stackBytes: what each rank takes beside it.
  /// - Throws: `DataError` where the address space has no room for them and a run.
  static func reserve(ranks: Int, taken: Int = 1, stackBytes: Int) throws {
    let buffers = min(ranks, mostBuffers)
    let wanted =
      CheckedSize(bufferBytes) * max(buffers - taken, 0) + CheckedSize(stackBytes) * ranks
      + CheckedSize(spareBytes)
    if let available = MachineMemory.addressSpaceBytes,
      wanted.value > available || !canMap(wanted.value)
    {
      throw DataError(
        "address space: \(ranks) rank\(ranks == 1 ? "" : "s") of a process need \(wanted) beside what is "
          + "in use, \(CheckedSize(available)) is left; raise its limit (ulimit -v) or use fewer ranks",
        exitCode: .io)
    }
    // Not in the header: without these two the buffers come with the first products.
    guard
      let take = symbol(
        "blas_memory_alloc", as: (@convention(c) (Int32) -> UnsafeMutableRawPointer?).self),
      let give = symbol(
        "blas_memory_free", as: (@convention(c) (UnsafeMutableRawPointer?) -> Void).self)
    else { return }
    let taken = (0..<buffers).map { _ in take(0) }
    for buffer in taken { give(buffer) }
  }

  private static func symbol<T>(_ name: String, as type: T.Type) -> T? {
    guard let found = dlsym(nil, name) else { return nil }
    return unsafeBitCast(found, to: type)
  }

  /// Returns whether the system would map so much.
  private static func canMap(_ byteCount: Int) -> Bool {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let start = mmap(nil, byteCount, PROT_NONE, flags, -1, 0), start != MAP_FAILED else {
      return false
    }
    munmap(start, byteCount)
    return true
  }
}
