import DLFormats
import DLTestSupport
import Foundation
import Testing

/// Runs with `precision: bfloat16`, from training to what is made of the run.
@Suite(.serialized)
struct MixedPrecisionRunTests {
  private func arguments(_ folder: String, _ run: String) throws -> [String] {
    [
      "train", try Job.write(to: folder), "--out", run, "--ranks", "2", "--set",
      "precision=bfloat16",
    ]
  }

  private func succeed(_ arguments: [String]) throws -> String {
    let outcome = try Program.run(arguments)
    #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
    return outcome.output
  }

  @Test func versionsOfTheKernelsGiveTheSameBits() throws {
    try TemporaryFolder.with { folder in
      let whole = folder + "/whole"
      let said = try succeed(arguments(folder, whole))
      #expect(said.contains("bfloat16: "), "\(said)")
      let expected = try Job.tensors(whole, step: 12)
      for version in ["portable", "avx2", "avx512", "avx512_bf16", "amx"] {
        let run = "\(folder)/\(version)"
        let outcome = try Program.startCommand(
          [Program.path] + arguments(folder, run), in: nil, variables: ["DLTRAIN_CPU": version]
        ).wait()
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try Job.tensors(run, step: 12) == expected, "\(version)")
      }
      // Operands are rounded: a run in float32 comes to other weights.
      let plain = folder + "/plain"
      _ = try succeed(arguments(folder, plain) + ["--set", "precision=float32"])
      #expect(try Job.tensors(plain, step: 12) != expected)
    }
  }

  @Test func stoppedAndResumedRunsGiveTheSameBits() throws {
    try TemporaryFolder.with { folder in
      let whole = folder + "/whole"
      _ = try succeed(arguments(folder, whole))
      for step in [1, 7] {
        let run = "\(folder)/stopped-\(step)"
        _ = try succeed(arguments(folder, run) + ["--stop-at", String(step)])
        _ = try succeed(arguments(folder, run) + ["--resume", "auto"])
        #expect(try Job.tensors(run, step: 12) == Job.tensors(whole, step: 12))
        #expect(try Job.metrics(run) == Job.metrics(whole))
      }
      let other = try Program.run(
        ["train", try Job.write(to: folder), "--out", whole, "--ranks", "2", "--resume", "auto"]
          + ["--set", "precision=float32", "--set", "steps=14"])
      #expect(other.status == 64, "\(other.errors)")
      #expect(other.errors.contains("precision"), "\(other.errors)")
    }
  }

  /// The weights of a run are float32; evaluation repeats the run's last validation.
  @Test func runsAreEvaluatedExportedAndInspected() throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      _ = try succeed(arguments(folder, run))
      let validation = try #require(try Job.records(run, "validation").last)
      let accuracy = try #require(validation["accuracy"]?.double)
      let evaluated = try succeed(["evaluate", run, "--checkpoint", "latest"])
      #expect(
        evaluated.contains(String(format: "%.2f%%", 100 * accuracy)), "\(evaluated), \(accuracy)")
      #expect(try succeed(["inspect", Job.checkpoint(run, step: 12)]).contains("bfloat16"))
      let weights = folder + "/weights.safetensors"
      _ = try succeed(["export", run, "-o", weights])
      let types = Set(try SafetensorsFile(path: weights).tensors.map(\.dtype))
      #expect(types.contains(.float32) && types.isDisjoint(with: [.bfloat16, .float64]))
    }
  }

  /// Predictions of a run, and of the same weights in float32: rounded operands, and little else.
  @Test func predictionsAreThoseOfRoundedProducts() throws {
    try TemporaryFolder.with { folder in
      let (run, plain, weights) = (folder + "/run", folder + "/plain", folder + "/w.safetensors")
      _ = try succeed(arguments(folder, run))
      _ = try succeed(["export", run, "--checkpoint", "latest", "-o", weights])
      _ = try succeed(
        [
          "train", try Job.write(to: folder), "--out", plain, "--set", "precision=float32", "--set",
          "steps=0", "--init", weights,
        ])
      func predictions(_ run: String, _ options: [String]) throws -> [[Double]] {
        let lines = try succeed(["predict", run, "embedded:digits-validation"] + options)
        return lines.split(separator: "\n").dropFirst().map {
          $0.split(separator: ",").compactMap { Double($0) }
        }
      }
      let rounded = try predictions(run, ["--checkpoint", "latest"])
      let exact = try predictions(plain, [])
      #expect(rounded.count == 360 && rounded.allSatisfy { $0.count == 3 })
      #expect(rounded != exact)
      let pairs = compared(rounded, exact)
      #expect(pairs.count { $0[1] == $1[1] } >= 350)
      #expect(pairs.allSatisfy { abs($0[2] - $1[2]) < 0.05 })
    }
  }

  @Test func openBLASHasNoSuchProducts() throws {
    try TemporaryFolder.with { folder in
      let outcome = try Program.run(arguments(folder, folder + "/run") + ["--set", "engine=blas"])
      #expect(outcome.status == 64 && outcome.errors.contains("use engine: native"))
    }
  }
}
