import CKernels
import DLCluster
import DLCore

/// Times calls that all ranks make together.
struct CallTimer {
  let communicator: any Communicator
  /// About how long a measurement takes, in seconds.
  let budget: Double

  /// Seconds of one call: the median over five runs of calls, on the slowest rank.
  ///
  /// Collective; every rank makes the same number of calls and has the same result.
  func seconds(_ body: () throws -> Void) throws -> Double {
    for _ in 0..<2 { try body() }
    let trial = try slowest(time(3, body))
    let calls = Int(min(max(budget / 5 / max(trial, 1e-9), 1), 5000))
    var runs: [Double] = []
    for _ in 0..<5 { runs.append(try slowest(time(calls, body))) }
    return runs.sorted()[2]
  }

  /// Seconds per call of `count` calls on this rank.
  private func time(_ count: Int, _ body: () throws -> Void) throws -> Double {
    try communicator.barrier()
    let start = monotonicNanoseconds()
    for _ in 0..<count { try body() }
    return Double(monotonicNanoseconds() - start) * 1e-9 / Double(count)
  }

  private func slowest(_ seconds: Double) throws -> Double {
    try communicator.allgather([seconds]).max() ?? seconds
  }

  /// Bytes that all ranks together read and write in a second, all at once: each adds a vector to
  /// another (two reads, one write), `bytes` long, which should be more than the caches hold.
  func memoryBandwidth(bytes: Int) throws -> Double {
    let (x, y) = (BenchmarkBuffer(bytes), BenchmarkBuffer(bytes))
    let time = try seconds { dl_axpy(DL_F32, 1, x.base, y.base, bytes / 4) }
    return Double(3 * bytes / 4 * 4) * Double(communicator.size) / time
  }
}
