import DLCore
import DLFormats
import DLTestSupport
import Foundation
import Testing

/// Gradients compressed between processes, through the real program.
@Suite(.serialized)
struct CompressionTests {
  static let codecs = [
    "{name: bf16}", "{name: fp16}", "{name: top_k}", "{name: power_sgd}",
  ]

  private func train(
    _ folder: String, _ name: String, _ settings: [String], _ options: [String] = [],
    reduce: String = "mpi", processes: Int = 2
  ) throws -> Outcome {
    var arguments = ["train", "digits", "--out", "\(folder)/\(name)", "--reduce", reduce] + options
    for setting in settings { arguments += ["--set", setting] }
    return try Program.run(arguments, processes: processes)
  }

  private func bytes(_ step: JSON) -> [Int] {
    ["sent_bytes", "uncompressed_bytes", "parameter_bytes"].compactMap { step[$0]?.int }
  }

  /// Within 1% of the loss without compression.
  ///
  /// With smoothed labels: without them the loss goes towards zero, and the last rounding of the
  /// first steps decides on more than a tenth of what is left.
  @Test func everyCodecEndsWithinOnePercent() throws {
    let job = [
      "loss={cross_entropy: {label_smoothing: 0.1}}", "epochs=30",
      "checkpoint={every_epochs: 30}", "validate={every_epochs: 30}",
    ]
    try TemporaryFolder.with { folder in
      let plain = try train(folder, "plain", job)
      #expect(plain.status == 0, "\(plain.errors)")
      let wanted = try #require(
        try Job.records("\(folder)/plain", "validation").last?["loss"]?.double)
      for (codec, most) in compared(Self.codecs, [0.5, 0.51, 0.2, 0.35]) {
        let outcome = try train(folder, codec, job + ["compression=\(codec)"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("sent between hosts"))
        let loss = try #require(
          try Job.records("\(folder)/\(codec)", "validation").last?["loss"]?.double)
        #expect(loss <= 1.01 * wanted, "\(codec): \(loss), \(wanted) without")
        let sent = bytes(try #require(try Job.records("\(folder)/\(codec)", "step").last))
        #expect(sent.count == 3 && Double(sent[0]) <= most * Double(sent[1]), "\(codec): \(sent)")
      }
    }
  }

  @Test(arguments: codecs)
  func aRunThatGoesOnHasTheSameBits(codec: String) throws {
    try TemporaryFolder.with { folder in
      let settings = ["compression=\(codec)", "epochs=null", "steps=40"]
      let whole = try train(folder, "whole", settings)
      #expect(whole.status == 0, "\(whole.errors)")
      #expect(try train(folder, "stopped", settings, ["--stop-at", "17"]).status == 0)
      let resumed = try train(folder, "stopped", settings, ["--resume", "auto"])
      #expect(resumed.status == 0, "\(resumed.errors)")
      let tensors = try Job.tensors("\(folder)/whole", step: 40)
      #expect(try Job.tensors("\(folder)/stopped", step: 40) == tensors)
      #expect(tensors.keys.contains("compression.errors.0"))
    }
  }

  /// What is sent during the backward pass is compressed as what is sent after it.
  @Test(arguments: codecs)
  func overlapGivesTheSameBits(codec: String) throws {
    try TemporaryFolder.with { folder in
      let settings = ["compression=\(codec)", "bucket_cap_mb=0.01", "epochs=null", "steps=20"]
      for overlap in ["on", "off"] {
        let outcome = try train(folder, overlap, settings + ["overlap=\(overlap)"])
        #expect(outcome.status == 0, "\(outcome.errors)")
      }
      let tensors = try Job.tensors("\(folder)/on", step: 20)
      #expect(try Job.tensors("\(folder)/off", step: 20) == tensors)
    }
  }

  @Test func oneHostHasNothingToCompress() throws {
    try TemporaryFolder.with { folder in
      let settings = ["compression={name: bf16}", "epochs=null", "steps=3"]
      let shared = try train(folder, "shared", settings, reduce: "shared")
      #expect(shared.status == 0)
      #expect(shared.faults.count == 1 && shared.errors.contains("all ranks share memory"))
      #expect(!shared.output.contains("sent between hosts"))
      let last = try #require(try Job.records("\(folder)/shared", "step").last)
      #expect(bytes(last).isEmpty)
      // The same job goes on elsewhere, without errors that nobody has kept.
      let apart = try train(
        folder, "shared", settings + ["steps=5"], ["--resume", "auto"])
      #expect(apart.status == 0, "\(apart.errors)")
      let back = try train(
        folder, "shared", settings + ["steps=7", "compression={name: none}"], ["--resume", "auto"])
      #expect(back.status == 0, "\(back.errors)")
      #expect(back.errors.contains("left out"))
      let evaluated = try Program.run(["evaluate", "\(folder)/shared"])
      #expect(evaluated.status == 0, "\(evaluated.errors)")
    }
  }

  /// A rate that the weights do not survive.
  @Test(arguments: codecs)
  func whatIsNotFiniteIsFound(codec: String) throws {
    try TemporaryFolder.with { folder in
      let outcome = try train(
        folder, "run", ["compression=\(codec)", "optimizer.lr=1e38", "epochs=null", "steps=20"])
      #expect(outcome.status == 64)
      #expect(outcome.faults.count == 1 && outcome.errors.contains("not finite"))
    }
  }

  @Test func jobsThatItDoesNotFitAreRefused() throws {
    let refused = [
      "precision=float64", "virtual_ranks=2", "optimizer={name: lbfgs}",
      "optimizer={name: sgd, sam: {}}", "compression={name: bf16, ratio: 0.2}",
      "compression={name: top_k, ratio: 0}", "compression={name: top_k, rank: 3}",
      "compression={name: power_sgd, rank: 0}", "compression={name: gzip}",
    ]
    try TemporaryFolder.with { folder in
      for setting in refused {
        let outcome = try Program.run(
          [
            "train", "digits", "--out", folder + "/run", "--set", "compression={name: bf16}",
            "--set", setting,
          ])
        #expect(outcome.status == 64, "\(setting): \(outcome.errors)")
        #expect(outcome.faults.count == 1, "\(outcome.errors)")
      }
    }
  }
}
