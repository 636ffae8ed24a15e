import DLTestSupport
import Foundation
import Testing

/// Ranks that were not started alike, through the real program.
@Suite(.serialized)
struct HandshakeTests {
  /// Runs one rank of one command and two of another.
  private func run(_ first: [String], _ others: [String], in folder: String) throws -> Outcome {
    let launcher = ["mpirun", "--oversubscribe", "--bind-to", "none"]
    let command = launcher + ["-n", "1"] + first + [":", "-n", "2"] + others
    return try Program.startCommand(command, in: folder).wait()
  }

  private func expect(_ outcome: Outcome, _ words: String...) {
    #expect(outcome.status == 64, "\(outcome.errors)")
    #expect(outcome.faults.count == 1, "\(outcome.errors)")
    for word in words { #expect(outcome.errors.contains(word), "\(word) in: \(outcome.errors)") }
  }

  @Test func otherConfigurationsAreNamedByKeyAndRank() throws {
    try TemporaryFolder.with { folder in
      let train = [Program.path, "train", try Job.write(to: folder), "--out", folder + "/run"]
      expect(
        try run(train, train + ["--set", "optimizer.lr=0.25"], in: folder), "ranks 1 and 2",
        "optimizer.lr: 0.25, rank 0 has 0.05")
      expect(try run(train, train + ["--stop-at", "3"], in: folder), "--stop-at: 3, rank 0 has 0")
      // What these decide on is set up by all ranks together.
      let byMPI = train + ["--reduce", "mpi", "--set", "precision=float32"]
      for (setting, words) in [
        ("overlap=on", "overlap: \"on\", rank 0 has auto"),
        ("compression.name=bf16", "compression.name: bf16, rank 0 has none"),
        ("optimizer.sam={rho: 0.1}", "optimizer.sam"),
      ] {
        expect(try run(byMPI, byMPI + ["--set", setting], in: folder), words)
      }
    }
  }

  @Test func otherNumbersOfRanksAndOtherWaysOfReductionAreNamed() throws {
    try TemporaryFolder.with { folder in
      let train = [Program.path, "train", try Job.write(to: folder), "--out", folder + "/run"]
      expect(
        try run(train, train + ["--set", "virtual_ranks=6"], in: folder),
        "process 1 hosts 2 ranks, process 0 has 1")
      expect(try run(train + ["--ranks", "6"], train, in: folder), "process 0 has 2")
      expect(try run(train, train + ["--reduce", "mpi"], in: folder), "process 1", "--reduce")
    }
  }

  @Test func otherDataOfTheSameShapeAreNamed() throws {
    try TemporaryFolder.with { folder in
      let job = try Job.write(to: folder)
      let digits = Program.repository + "/Sources/DLData/Resources/digits-train.safetensors"
      var bytes = try Data(contentsOf: URL(fileURLWithPath: digits))
      try bytes.write(to: URL(fileURLWithPath: folder + "/a.safetensors"))
      bytes[bytes.count - 5000] ^= 1
      try bytes.write(to: URL(fileURLWithPath: folder + "/b.safetensors"))
      func train(_ name: String) -> [String] {
        [Program.path, "train", job, "--out", folder + "/run", "--set"]
          + ["data.train=\(folder)/\(name).safetensors"]
      }
      expect(
        try run(train("a"), train("b"), in: folder), "content of data.train",
        "\(bytes.count) bytes of checksum")
    }
  }

  @Test func anotherProgramIsNamed() throws {
    try TemporaryFolder.with { folder in
      let copy = Program.products + "/dltrain-\(UUID().uuidString)"
      try FileManager.default.copyItem(atPath: Program.path, toPath: copy)
      defer { try? FileManager.default.removeItem(atPath: copy) }
      let handle = FileHandle(forWritingAtPath: copy)
      try handle?.seekToEnd()
      try handle?.write(contentsOf: Data([0]))
      try handle?.close()
      let train = ["train", try Job.write(to: folder), "--out", folder + "/run"]
      expect(
        try run([Program.path] + train, [copy] + train, in: folder), "program: ", "ranks 1 and 2")
    }
  }
}
