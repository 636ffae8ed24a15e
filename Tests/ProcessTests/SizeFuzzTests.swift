import DLFormats
import Foundation
import Testing

/// Numbers that no job was meant for, in every key that holds one and in pairs of keys: a run ends
/// well or with lines of its own and a documented exit code, by no signal and without hanging.
///
/// `DLTRAIN_MUTATIONS=5000` tries as many; the same ones at each start.
@Suite(.serialized)
struct SizeFuzzTests {
  private static let jobs = [
    """
    data: {synthetic: {shape: [8, 8, 1], classes: 4, rows: 96}, repeats: 2,
           augment: [flip, {pad_crop: {padding: 1}}], normalize: {mean: [0.3], std: [0.4]}}
    model:
      layers:
        - conv2d: {out: 4, kernel: 3, stride: 1, padding: 1, dilation: 1, groups: 1}
        - batch_norm: {momentum: 0.1, eps: 1.0e-5}
        - relu
        - max_pool2d: {kernel: 2, stride: 2}
        - flatten
        - dropout: {p: 0.5}
        - linear: {out: 4}
    optimizer: {name: adamw, lr: 0.01, betas: [0.9, 0.99], eps: 1.0e-8, weight_decay: 0.1,
                clip_norm: 1.0, lookahead: {k: 2, alpha: 0.5}}
    schedule: {name: cosine, warmup_steps: 2}
    average: {name: swa, start_epochs: 0.5}
    local_sgd: {start_steps: 1}
    batch_size: 8
    accumulate: 2
    epochs: 1
    checkpoint: {every_steps: 2, every_epochs: 1, keep: 2}
    validate: {every_epochs: 1, every_steps: 2, batch_size: 4, patience: 3}
    """,
    """
    data: {synthetic: {shape: [12], classes: 3, rows: 64}, order: sequential, last_batch: drop}
    model: {layers: [{linear: {out: 16}}, gelu, {layer_norm: {eps: 1.0e-5}}, {linear: {out: 3}}]}
    optimizer: {name: sgd, lr: 0.1, momentum: 0.9}
    schedule: {name: step, step_epochs: 1, gamma: 0.5}
    average: {name: ema, decay: 0.9, every_steps: 1}
    scale_lr: {base_batch: 8}
    batch_size: 8
    steps: 2
    bucket_cap_mb: 1
    watchdog: {warn_seconds: 60, abort_seconds: 600, heartbeat_seconds: 10}
    integrity: {compare_every_steps: 2}
    shares: [1]
    seed: 7
    virtual_ranks: 1
    """,
  ]
  private static let values = [
    "0", "1", "2", "-1", "3", "1000", "65536", "16777216", "268435456", "2147483647", "2147483648",
    "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e308", "1e9", "1e-300",
    "0.5", ".nan", ".inf", "[]", "[0]", "[2147483647, 2147483647]", "~",
  ]
  /// Kilobytes of address space: what is asked for beyond them must be refused, and is not given.
  private static let limit = 3_000_000

  /// A number in the text of a job.
  private struct Number {
    let range: Range<String.Index>
  }

  private static func numbers(_ text: String) -> [Number] {
    text.matches(of: /[ \[](?<number>-?[0-9][0-9.e\-]*)(?=[,\]}\n]|$)/).map {
      Number(range: $0.output.number.startIndex..<$0.output.number.endIndex)
    }
  }

  private var mutations: [String] {
    var state: UInt64 = 20_261_128
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
    let wanted = ProcessInfo.processInfo.environment["DLTRAIN_MUTATIONS"].flatMap { Int($0) } ?? 120
    return (0..<wanted).map { round in
      let text = SizeFuzzTests.jobs[round % SizeFuzzTests.jobs.count]
      let all = SizeFuzzTests.numbers(text)
      let chosen = Set((0...next(2)).map { _ in next(all.count) }).sorted(by: >)
      return chosen.reduce(into: text) { text, index in
        text.replaceSubrange(
          all[index].range, with: SizeFuzzTests.values[next(SizeFuzzTests.values.count)])
      }
    }
  }

  private func run(_ verb: [String], in folder: String) throws -> Outcome {
    let limited = ["bash", "-c", "ulimit -v \(SizeFuzzTests.limit); exec \"$@\"", "bash"]
    return try Program.startCommand(limited + [Program.path] + verb, in: folder).wait()
  }

  private func expectGoodEnd(_ outcome: Outcome, _ text: String, _ verb: String) {
    let what = "\(verb): \(outcome.status)\n\(outcome.errors)\n\(text)"
    #expect([0, 64, 65, 70, 74].contains(outcome.status), "\(what)")
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.allSatisfy { $0.hasPrefix("dltrain: ") }, "\(what)")
    let faults = lines.filter { !$0.hasPrefix("dltrain: warning: ") }
    #expect(faults.isEmpty == (outcome.status == 0), "\(what)")
  }

  @Test func unmutatedJobsTrain() throws {
    try TemporaryFolder.with { folder in
      for (index, text) in SizeFuzzTests.jobs.enumerated() {
        try text.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
        let outcome = try run(
          ["train", "job.yaml", "--ranks", "1", "--stop-at", "1", "--out", "run-\(index)"],
          in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
      }
    }
  }

  @Test func mutatedNumbersEndWellOrAreRefused() throws {
    try TemporaryFolder.with { folder in
      for (index, text) in mutations.enumerated() {
        try text.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
        expectGoodEnd(try run(["validate", "job.yaml"], in: folder), text, "validate")
        let train = ["train", "job.yaml", "--stop-at", "1", "--out", "run-\(index)"]
        expectGoodEnd(try run(train, in: folder), text, "train")
      }
    }
  }
}
