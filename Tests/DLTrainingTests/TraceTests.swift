import DLCluster
import DLCore
import DLFormats
import DLTraining
import Foundation
import Testing

@Suite struct TraceTests {
  /// A complete event of a trace, times in microseconds.
  private struct Event {
    let name: String
    let rank: Int
    let thread: Int
    let start: Double
    let end: Double
    let step: Int?
  }

  /// The events of a trace as Foundation reads them, and the names of processes and threads.
  private func read(_ path: String) throws -> (events: [Event], names: [String: String]) {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(object["displayTimeUnit"] as? String == "ms")
    let list = try #require(object["traceEvents"] as? [[String: Any]])
    var names: [String: String] = [:]
    var events: [Event] = []
    for entry in list {
      let (name, rank) = (entry["name"] as? String ?? "", entry["pid"] as? Int ?? -1)
      let arguments = entry["args"] as? [String: Any]
      let thread = entry["tid"] as? Int
      if entry["ph"] as? String == "M" {
        guard let value = arguments?["name"] as? String else { continue }
        names["\(rank)" + (thread.map { ".\($0)" } ?? "")] = value
        continue
      }
      #expect(entry["ph"] as? String == "X")
      let start = try #require(entry["ts"] as? Double)
      let duration = try #require(entry["dur"] as? Double)
      events.append(
        Event(
          name: name, rank: rank, thread: thread ?? -1, start: start, end: start + duration,
          step: arguments?["step"] as? Int))
    }
    return (events, names)
  }

  @Test(arguments: [1, 3])
  func aTraceHoldsEveryRankWithNestedSpansOnOneClock(ranks: Int) throws {
    let bench = try Workbench()
    let path = bench.path + "/trace.json"
    let options = bench.options("run") { $0.trace = path }
    try train(bench.configuration(["steps=5", "validate.every_steps=4"]), options, ranks: ranks)
    let (events, names) = try read(path)
    // Viewers drop what lies before zero: the first event is there, whatever rank it is of.
    #expect(events.map(\.start).min() == 0)
    #expect(events.allSatisfy { $0.end >= $0.start })
    for rank in 0..<ranks {
      #expect(names["\(rank)"] == "rank \(rank)")
      let threads = [
        "compute", "communication", "overlapped reduction", "data", "checkpoint writer",
      ]
      #expect(threads.indices.map { names["\(rank).\($0)"] } == threads)
      for thread in 0..<4 { checkNesting(events.filter { $0.rank == rank && $0.thread == thread }) }

      let compute = events.filter { $0.rank == rank && $0.thread == 0 }
      let steps = compute.filter { $0.name == "step" }
      #expect(steps.map(\.step) == [1, 2, 3, 4, 5])
      for name in ["data wait", "forward", "backward", "gradient reduction", "optimizer"] {
        #expect(steps.allSatisfy { step in inside(step, compute, name) >= 1 }, "\(name)")
      }
      #expect(compute.filter { $0.name == "validation" }.map(\.step) == [4, 5])
      #expect(!compute.filter { $0.name == "checkpoint" }.isEmpty)
      // Five batch normalizations, and their gradients.
      let waits = steps.map { inside($0, compute, "SyncBN wait") }
      #expect(waits.allSatisfy { $0 == (ranks > 1 ? 10 : 0) })
      let data = events.filter { $0.rank == rank && $0.thread == 3 }
      #expect(data.map(\.name) == Array(repeating: "loading", count: 5))
      // The calls of a rank's communicator, one after the other, are those of every rank.
      #expect(calls(events, rank).map(\.name) == calls(events, 0).map(\.name))
    }
    // A collective cannot end anywhere before it has begun everywhere.
    let first = calls(events, 0)
    for index in first.indices where ["allgather", "allreduce"].contains(first[index].name) {
      let all = (0..<ranks).map { calls(events, $0)[index] }
      let (latest, earliest) = (all.map(\.start).max() ?? 0, all.map(\.end).min() ?? 0)
      #expect(latest <= earliest, "\(first[index].name) \(index)")
    }
  }

  @Test func aTraceThatCannotBeWrittenEndsTheRunBeforeItsFirstStep() throws {
    let bench = try Workbench()
    let options = bench.options("run") { $0.trace = bench.path + "/missing/trace.json" }
    let error = #expect(throws: RankFailure.self) {
      try train(bench.configuration(), options, ranks: 2)
    }
    #expect(error?.exitCode == .io)
    #expect(error?.message.contains("missing") == true)
    #expect(!FileManager.default.fileExists(atPath: bench.checkpoint("run", step: 1)))
  }

  /// Until there is a trace, what lay there stays, and a run that fails does not leave an empty one.
  @Test func aTraceIsNotTouchedBeforeTheEnd() throws {
    let bench = try Workbench()
    let path = bench.path + "/trace.json"
    try Data("old".utf8).write(to: URL(fileURLWithPath: path))
    let options = bench.options("run") { options in
      options.trace = path
      options.shouldStop = {
        #expect(FileManager.default.contents(atPath: path) == Data("old".utf8))
        return false
      }
    }
    try train(bench.configuration(["steps=2"]), options)
    #expect(try !read(path).events.isEmpty)
  }

  @Test func theTimesOfAStepAddUpAndNameTheSlowestRank() throws {
    let bench = try Workbench()
    for ranks in [1, 2] {
      try train(bench.configuration(["steps=4"]), bench.options("run\(ranks)"), ranks: ranks)
      let text = String(
        decoding: try File.contents(of: "\(bench.path)/run\(ranks)/metrics.jsonl"), as: UTF8.self)
      let steps = try text.split(separator: "\n").map { try JSON(parsing: String($0)) }
        .filter { $0["kind"]?.string == "step" }
      #expect(steps.count == 4)
      for step in steps {
        func value(_ key: String) -> Double { step[key]?.double ?? .nan }
        let parts = ["data_s", "compute_s", "sync_bn_s", "agree_s", "reduce_s", "optimizer_s"]
        let total = parts.reduce(0) { $0 + value($1) }
        #expect(parts.allSatisfy { value($0) >= 0 })
        #expect(value("compute_s") > 0)
        let share = (value("sync_bn_s") + value("agree_s") + value("reduce_s")) / total
        #expect(abs(share - value("comm_share")) < 1e-9)
        #expect(abs(15 / total - value("samples_per_s")) < 1e-6 * value("samples_per_s"))
        #expect((value("sync_bn_s") > 0) == (ranks > 1))
        if ranks > 1 {
          #expect((0..<ranks).contains(step["slowest_rank"]?.int ?? -1))
          #expect(value("slowest_s") > 0)
        } else {
          #expect(step["slowest_rank"] == nil)
        }
      }
    }
  }

  private func calls(_ events: [Event], _ rank: Int) -> [Event] {
    events.filter { $0.rank == rank && $0.thread == 1 }
  }

  private func inside(_ outer: Event, _ events: [Event], _ name: String) -> Int {
    events.filter { $0.name == name && $0.start >= outer.start && $0.end <= outer.end }.count
  }

  /// Two spans of a thread are one within the other, or one after the other.
  private func checkNesting(_ events: [Event]) {
    var open: [Event] = []
    // Of two that begin together the longer one is the outer.
    for event in events.sorted(by: { ($0.start, -$0.end) < ($1.start, -$1.end) }) {
      // Microseconds as doubles hold nanoseconds only roughly.
      while let last = open.last, last.end <= event.start + 1e-3 { open.removeLast() }
      if let last = open.last { #expect(event.end <= last.end + 1e-3, "\(event) in \(last)") }
      open.append(event)
    }
  }
}
