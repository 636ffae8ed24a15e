import CKernels
import DLCore
import DLTensor

/// Measures ops on one core, beside what the core does at most.
package struct OpBenchmark: Sendable {
  /// Words that ops are chosen by; all of them unless given.
  package var filter: String?
  /// About how long a measurement takes, in seconds.
  package var seconds = 0.1
  /// True to measure over batch, channels and length, in the place of the networks' shapes.
  package var sweeps = false
  /// True to round the operands of products to bfloat16.
  package var roundsProducts = false

  /// Makes a benchmark of all ops at the shapes of the networks.
  package init() {}

  /// Runs it.
  ///
  /// - Parameter progress: told what comes next, and the place of it among all.
  /// - Throws: `UsageError` for a filter that no op matches.
  package func run(progress: (_ op: String, _ done: Int, _ count: Int) -> Void) throws -> OpReport {
    guard seconds > 0, seconds <= 60 else {
      throw UsageError("\(OptionName.seconds) \(seconds): give more than 0, and at most 60")
    }
    let words = filter?.split(separator: " ").map(String.init) ?? []
    let cases = (sweeps ? OpCases.sweeps : OpCases.all).filter { one in
      words.allSatisfy { one.title.contains($0) }
    }
    guard !cases.isEmpty else {
      throw UsageError(
        "\(OptionName.filter) \(filter ?? ""): no op has it in its name, shape or pass; see them all without it"
      )
    }
    Engine.current.select()
    let peaks = MachinePeaks.measured(seconds: min(seconds, 0.2))
    let measurements = try cases.enumerated().map { index, one in
      progress(one.title, index, cases.count)
      let context = Context()
      context.isTraining = true
      context.roundsProducts = roundsProducts
      let call = try one.make(context)
      return OpMeasurement(
        op: one.op, shape: one.shape, pass: one.pass, seconds: try median(of: call),
        flops: 2 * Double(one.multiplyAdds), bytes: Double(call.bytes))
    }
    return OpReport(peaks: peaks, measurements: measurements, isBFloat16: roundsProducts)
  }

  /// Calls each op of a list of small ones once between two calls of `dl_count_mark`, for a tool that
  /// counts instructions.
  ///
  /// - Returns: the ops in their order, a line each.
  /// - Throws: ``TensorError`` where there is no memory.
  package static func countOnce() throws -> String {
    Engine.current.select()
    var lines: [String] = []
    for one in OpCases.counted {
      let context = Context()
      context.isTraining = true
      let call = try one.make(context)
      // The first call takes memory that later ones find in the pool.
      for _ in 0..<2 {
        try call.prepare()
        try call.run()
      }
      try call.prepare()
      dl_count_mark()
      try call.run()
      dl_count_mark()
      lines.append(one.title)
    }
    return lines.joined(separator: "\n")
  }

  /// The median of the times of calls.
  private func median(of call: OpCall) throws -> Double {
    for _ in 0..<2 {
      try call.prepare()
      try call.run()
    }
    let began = monotonicNanoseconds()
    var times: [Int] = []
    var sum = 0
    while times.count < 3
      || (Double(sum) < seconds * 1e9 && times.count < 100_000
        && Double(monotonicNanoseconds() - began) < 4 * seconds * 1e9)
    {
      try call.prepare()
      let start = monotonicNanoseconds()
      try call.run()
      let time = monotonicNanoseconds() - start
      times.append(time)
      sum += time
    }
    return Double(times.sorted()[times.count / 2]) * 1e-9
  }
}
