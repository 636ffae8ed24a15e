import DLTestSupport
import DLTraining
import Foundation
import Testing

/// Values that no job was meant for, in every key of several jobs and in pairs of keys: a run ends
/// well or with lines of its own and a documented exit code, by no signal and without hanging.
///
/// The keys are those of the resolved configurations, which hold every key that there is.
/// `DLTRAIN_MUTATIONS=5000` tries as many; the same ones at each start.
@Suite(.serialized)
struct SizeFuzzTests {
  private static let values = [
    "0", "1", "2", "-1", "3", "1000", "65536", "16777216", "268435456", "2147483647", "2147483648",
    "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e308", "1e9", "1e-300",
    "0.5", ".nan", ".inf", "-.inf", "[]", "[0]", "[2147483647, 2147483647]", "[[]]", "~", "true",
    "x", "{}", "{a: 1}", huge,
  ]
  private static let huge = "[" + String(repeating: "1,", count: 5000) + "1]"
  /// Kilobytes of address space: what is asked for beyond them must be refused, and is not given.
  private static let limit = 3_000_000

  /// A job, and what replaces parts of it.
  private struct Mutation {
    let job: String
    let overrides: [String]
  }

  private static func mutations(in folder: String) throws -> [Mutation] {
    var state: UInt64 = 20_261_128
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
    let jobs = try FuzzedJobs.all.map {
      (name: $0.name, keys: try FuzzedJobs.keys(of: $0.yaml, in: folder))
    }
    let wanted = ProcessInfo.processInfo.environment["DLTRAIN_MUTATIONS"].flatMap { Int($0) } ?? 120
    return (0..<wanted).map { round in
      let job = jobs[round % jobs.count]
      let overrides = (0...next(2)).map { _ in
        "\(job.keys[next(job.keys.count)])=\(values[next(values.count)])"
      }
      return Mutation(job: job.name + ".yaml", overrides: overrides)
    }
  }

  private func run(_ verb: [String], in folder: String) throws -> Outcome {
    let limited = ["bash", "-c", "ulimit -v \(SizeFuzzTests.limit); exec \"$@\"", "bash"]
    return try Program.startCommand(limited + [Program.path] + verb, in: folder).wait()
  }

  private func expectGoodEnd(_ outcome: Outcome, _ text: String, _ verb: String) {
    let what = "\(verb): \(outcome.status)\n\(outcome.errors)\n\(text.prefix(400))"
    #expect([0, 64, 65, 74, 75].contains(outcome.status), "\(what)")
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.allSatisfy { $0.hasPrefix("dltrain: ") }, "\(what)")
    let faults = lines.filter { !$0.hasPrefix("dltrain: warning: ") }
    #expect(faults.isEmpty == [0, 75].contains(outcome.status), "\(what)")
  }

  @Test func unmutatedJobsTrain() throws {
    try TemporaryFolder.with { folder in
      try FuzzedJobs.write(to: folder)
      for job in FuzzedJobs.all {
        let outcome = try run(
          ["train", "\(job.name).yaml", "--ranks", "1", "--stop-at", "1", "--out", job.name],
          in: folder)
        #expect(outcome.status == 0, "\(job.name): \(outcome.errors)")
      }
    }
  }

  @Test func everyKeyIsAmongThoseThatAreMutated() throws {
    try TemporaryFolder.with { folder in
      try FuzzedJobs.write(to: folder)
      let keys = try Set(FuzzedJobs.all.flatMap { try FuzzedJobs.keys(of: $0.yaml, in: folder) })
      #expect(keys.isSuperset(of: Configuration.fields.map(\.key)))
      for key in ["average.decay", "local_sgd.period", "optimizer.lookahead.k", "model.latent"] {
        #expect(keys.contains(key), "\(key)")
      }
    }
  }

  @Test func everyNameOfEveryRegistryIsAmongThoseThatAreMutated() throws {
    try TemporaryFolder.with { folder in
      try FuzzedJobs.write(to: folder)
      let jobs = try FuzzedJobs.all.map { try Configuration.load(yaml: $0.yaml, folder: folder) }
      for kind in RegistryJobs.kinds {
        #expect(!kind.registered.isEmpty)
        let missing = Set(kind.registered.map(\.name)).subtracting(jobs.flatMap(kind.found))
        #expect(
          missing.isEmpty,
          "\(kind.noun) \(missing.sorted()): no job that follows from the options trains; write one"
        )
      }
    }
  }

  @Test func mutatedValuesEndWellOrAreRefused() throws {
    try TemporaryFolder.with { folder in
      try FuzzedJobs.write(to: folder)
      for (index, mutation) in try SizeFuzzTests.mutations(in: folder).enumerated() {
        let job = [mutation.job] + mutation.overrides.flatMap { ["--set", $0] }
        let what = job.joined(separator: " ")
        expectGoodEnd(try run(["validate"] + job, in: folder), what, "validate")
        let train = ["train"] + job + ["--stop-at", "1", "--out", "run-\(index)"]
        expectGoodEnd(try run(train, in: folder), what, "train")
      }
    }
  }
}
