import CKernels
import DLCore
import DLFormats
import Glibc

/// The most that one core of this machine can do: arithmetic in registers, and reading.
package struct MachinePeaks: Sendable {
  /// Reading a buffer that fits into a level of the memory.
  struct Bandwidth: Sendable {
    /// L1, L2 or DRAM.
    let level: String
    /// Bytes that the level holds; any for DRAM.
    let capacity: Int
    let bytesPerSecond: Double
  }

  /// The rate of one instruction set.
  struct Arithmetic: Sendable {
    let set: String
    /// True if it multiplies bfloat16, and adds to float32; others multiply float32.
    let isBFloat16: Bool
    /// Multiplications and additions a second.
    let flops: Double
  }

  /// By instruction set, those of bfloat16 last.
  let arithmetic: [Arithmetic]
  /// The levels of the memory, from the nearest.
  let bandwidths: [Bandwidth]

  /// The most of all instruction sets for float32, or for bfloat16 as well.
  func flops(bfloat16: Bool) -> Double {
    arithmetic.filter { bfloat16 || !$0.isBFloat16 }.map(\.flops).max() ?? 0
  }

  /// The nearest level that holds so many bytes.
  func level(holding bytes: Double) -> Bandwidth? {
    bandwidths.first { bytes <= Double($0.capacity) } ?? bandwidths.last
  }

  /// Measures them, each for about so many seconds; other programs on the core lower them.
  static func measured(seconds: Double) -> MachinePeaks {
    var arithmetic: [Arithmetic] = []
    var index: Int32 = 0
    while let name = dl_fma_set(index) {
      let set = index
      arithmetic.append(
        Arithmetic(
          set: String(cString: name), isBFloat16: dl_fma_is_bfloat16(set) != 0,
          flops: best(seconds) { dl_fma_run(set, 20_000) }))
      index += 1
    }
    let first = cacheSize(_SC_LEVEL1_DCACHE_SIZE) ?? 32 << 10
    let second = cacheSize(_SC_LEVEL2_CACHE_SIZE) ?? 512 << 10
    let last = max(cacheSize(_SC_LEVEL3_CACHE_SIZE) ?? 0, 32 << 20)
    let bandwidths = [
      ("L1", first, first / 2), ("L2", second, second / 2),
      ("DRAM", Int.max, min(4 * last, 1 << 28)),
    ].map { level, capacity, size in
      let buffer = BenchmarkBuffer(size)
      let floats = buffer.base.assumingMemoryBound(to: Float.self)
      // Of a small buffer many passes, so that looking at the clock costs nothing.
      let passes = max((1 << 20) / size, 1)
      return Bandwidth(
        level: level, capacity: capacity,
        bytesPerSecond: best(seconds) {
          for _ in 0..<passes { _ = dl_read_sum(floats, size / 4) }
          return Double(passes * size)
        })
    }
    return MachinePeaks(arithmetic: arithmetic, bandwidths: bandwidths)
  }

  /// The most work a second of some calls.
  private static func best(_ seconds: Double, _ work: () -> Double) -> Double {
    _ = work()
    let began = monotonicNanoseconds()
    var best = 0.0
    var calls = 0
    repeat {
      let start = monotonicNanoseconds()
      let amount = work()
      best = max(best, amount / (Double(max(monotonicNanoseconds() - start, 1)) * 1e-9))
      calls += 1
    } while calls < 3 || Double(monotonicNanoseconds() - began) < seconds * 1e9
    return best
  }

  private static func cacheSize(_ name: some BinaryInteger) -> Int? {
    let bytes = sysconf(Int32(name))
    return bytes > 0 ? bytes : nil
  }

  var json: JSON {
    .object([
      .init("flops", .object(arithmetic.map { .init($0.set, .number($0.flops)) })),
      .init(
        "bytes_per_s", .object(bandwidths.map { .init($0.level, .number($0.bytesPerSecond)) })),
    ])
  }

  /// The peaks in one line.
  var text: String {
    let sums = arithmetic.map { "\($0.set) \(Format.significant($0.flops * 1e-9, 3))" }
    let reads = bandwidths.map { "\($0.level) \(Format.significant($0.bytesPerSecond * 1e-9, 3))" }
    return "one core at most: \(sums.joined(separator: ", ")) GFLOP/s; reading "
      + "\(reads.joined(separator: ", ")) GB/s"
  }
}
