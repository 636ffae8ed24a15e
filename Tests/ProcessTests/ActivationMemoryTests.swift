import DLTestSupport
import Foundation
import Testing

/// What layers put out for a batch, against the memory that there is: refused before the first step,
/// and nothing is refused that runs.
@Suite(.serialized)
struct ActivationMemoryTests {
  /// A row keeps 3 convolutions' outputs of 64 · 64 · 32 float32, 1.5 MiB, and few bytes besides.
  private static let job = """
    data: {synthetic: {shape: [64, 64, 1], classes: 2, rows: 100000}}
    model:
      layers:
        - conv2d: {out: 32, kernel: 1}
        - conv2d: {out: 32, kernel: 1}
        - conv2d: {out: 32, kernel: 1}
        - global_avg_pool2d
        - linear: {out: 2}
    optimizer: {name: sgd, lr: 0.01}
    batch_size: 16
    steps: 1

    """

  private func train(
    _ folder: String, batch: Int, processes: Int? = nil, ranks: Int = 1, kilobytes: Int? = nil
  ) throws -> Outcome {
    try ActivationMemoryTests.job.write(
      toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
    let limit = kilobytes.map { "ulimit -v \($0); " } ?? ""
    let words = [
      "train", "job.yaml", "--out", "run-\(UUID().uuidString)", "--set", "batch_size=\(batch)",
    ]
    return try Program.startCommand(
      Program.launcher(processes) + ["bash", "-c", limit + "exec \"$@\"", "bash", Program.path]
        + words + (processes == nil ? ["--ranks", String(ranks)] : []), in: folder
    ).wait()
  }

  private func expectRefusal(_ outcome: Outcome, _ text: String) {
    #expect(outcome.status == 64, "\(outcome.errors)")
    #expect(outcome.faults.count == 1, "\(outcome.errors)")
    let fault = outcome.faults.first ?? ""
    #expect(fault.hasPrefix("dltrain: batch_size: what the layers put out for "), "\(fault)")
    #expect(fault.contains(text), "\(fault)")
  }

  /// All ranks say the same, so that none is named.
  @Test(arguments: [(nil, 1), (nil, 2), (2, 2)] as [(Int?, Int)])
  func aTensorOfTooManyElementsIsRefused(processes: Int?, ranks: Int) throws {
    try TemporaryFolder.with { folder in
      let outcome = try train(
        folder, batch: 16_384 * ranks, processes: processes, ranks: ranks)
      expectRefusal(outcome, "for 16384 rows")
      expectRefusal(outcome, "one tensor has 2147483648 elements, 2147483647 is the most")
      #expect(!outcome.errors.contains("(rank"), "\(outcome.errors)")
    }
  }

  /// What looks at a job without training says the same.
  @Test(arguments: ["validate", "inspect"])
  func otherVerbsRefuseTheSame(verb: String) throws {
    try TemporaryFolder.with { folder in
      let trained = try train(folder, batch: 16_384)
      let looked = try Program.run(
        [verb, "job.yaml", "--set", "batch_size=16384"], in: folder)
      expectRefusal(looked, "one tensor has 2147483648 elements, 2147483647 is the most")
      #expect(looked.faults == trained.faults)
      let fits = try Program.run([verb, "job.yaml"], in: folder)
      #expect(fits.status == 0, "\(fits.errors)")
    }
  }

  /// A generator and its critic, which keep some 40 KiB for a row.
  @Test func aTaskOfTwoNetworksIsRefused() throws {
    try TemporaryFolder.with { folder in
      try """
      data: {synthetic: {shape: [28, 28, 1], classes: 2, rows: 100000}}
      model: {name: dcgan, latent: 4, width: 8}
      optimizer: {name: sgd, lr: 0.01}
      batch_size: 2000
      steps: 1
      """.write(toFile: folder + "/gan.yaml", atomically: true, encoding: .utf8)
      func validate(_ batch: Int) throws -> Outcome {
        try Program.startCommand(
          [
            "bash", "-c", "ulimit -v 1500000; exec \"$@\"", "bash", Program.path, "validate",
            "gan.yaml", "--set", "batch_size=\(batch)",
          ], in: folder
        ).wait()
      }
      expectRefusal(try validate(40_000), "for 40000 rows: needs ")
      let fits = try validate(2000)
      #expect(fits.status == 0, "\(fits.errors)")
    }
  }

  @Test(arguments: [(nil, 1), (nil, 2)] as [(Int?, Int)])
  func whatExceedsTheMemoryIsRefused(processes: Int?, ranks: Int) throws {
    try TemporaryFolder.with { folder in
      let outcome = try train(
        folder, batch: 2048, processes: processes, ranks: ranks, kilobytes: 3_000_000)
      expectRefusal(outcome, "of memory, ")
      expectRefusal(outcome, "is available; lower it")
    }
  }

  /// 256 rows keep 384 MiB, and their gradients take as much again for a while.
  @Test func whatFitsIsNot() throws {
    try TemporaryFolder.with { folder in
      for (batch, kilobytes) in [(256, 3_000_000), (16, 1_000_000)] {
        let outcome = try train(folder, batch: batch, kilobytes: kilobytes)
        #expect(outcome.status == 0, "\(outcome.errors)")
      }
    }
  }
}
