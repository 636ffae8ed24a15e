import DLFormats
import DLTestSupport
import Foundation
import Testing

/// Data that cannot be what a job takes, and data that mean something else than a run's, through the
/// real program.
@Suite(.serialized)
struct DataCheckTests {
  private func write(
    _ path: String, x: [Float], y: [Float], rows: Int, metadata: [String: String] = [:]
  ) throws {
    try SafetensorsWriter.write(
      [("x", x), ("y", y)].map { name, values in
        SafetensorsTensor(name: name, dtype: .float32, shape: [rows, values.count / rows]) { sink in
          try values.withUnsafeBytes { try sink($0) }
        }
      }, metadata: metadata, to: path)
  }

  private func job(_ folder: String, _ loss: String) throws -> String {
    let path = folder + "/job.yaml"
    try """
    data: {train: data.safetensors}
    model: {layers: [{linear: {out: 1}}]}
    loss: \(loss)
    optimizer: {name: sgd, lr: 0.1}
    batch_size: 4
    steps: 2

    """.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  @Test func aValueOutsideIsNamedOnEveryLayout() throws {
    try TemporaryFolder.with { folder in
      let x = (0..<16).map { Float($0) / 16 }
      try write(folder + "/data.safetensors", x: x, y: [0, 1, 0, 1, 0, 255, 0, 0], rows: 8)
      let job = try job(folder, "bce_with_logits")
      let fault =
        "/data.safetensors: row 5: y[0] has 255, outside 0 to 1 "
        + "(loss: bce_with_logits), "
      for (verb, processes) in [("validate", nil), ("train", nil), ("train", 3)] as [(String, Int?)]
      {
        let outcome = try Program.run([verb, job], processes: processes, in: folder)
        #expect(outcome.status == 65, "\(outcome.errors)")
        let faults = outcome.faults.filter { !$0.contains("warning") }
        #expect(faults.count == 1 && faults[0].contains(fault), "\(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder + "/runs"))
      }
      var spoiled = x
      spoiled[9] = .nan
      try write(folder + "/data.safetensors", x: spoiled, y: [0, 1, 0, 1, 0, 1, 0, 0], rows: 8)
      let outcome = try Program.run(["train", job], processes: 2, in: folder)
      #expect(outcome.status == 65 && outcome.errors.contains("row 4: x[1] is NaN"))
    }
  }

  /// Numbers as labels have no loss by themselves: the line of the last layer is named, and losses.
  @Test func numbersNeedALossOfTheirOwn() throws {
    try TemporaryFolder.with { folder in
      let x = (0..<16).map { Float($0) / 16 }
      try write(
        folder + "/data.safetensors", x: x, y: (0..<8).map { Float($0) / 2 }, rows: 8)
      let job = try job(folder, "mse")
      let text = try String(contentsOfFile: job, encoding: .utf8)
      try text.replacing("loss: mse\n", with: "")
        .write(toFile: job, atomically: true, encoding: .utf8)
      for (verb, processes) in [("validate", nil), ("train", nil), ("train", 2)] as [(String, Int?)]
      {
        let outcome = try Program.run([verb, job], processes: processes, in: folder)
        #expect(outcome.status == 64 && outcome.faults.count == 1, "\(outcome.errors)")
        for word in [
          "loss: is not given for the outputs of line 2 (linear)", "has F32 values",
          "loss: mse for numbers",
        ] {
          #expect(outcome.errors.contains(word), "\(word) in: \(outcome.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder + "/runs"))
      }
      let told = try Program.run(["train", job, "--set", "loss=mse", "--out", folder + "/run"])
      #expect(told.status == 0, "\(told.errors)")
    }
  }

  /// The pass over a file is made once: what it found is kept for the file, until a write.
  @Test func theVerdictIsKept() throws {
    try TemporaryFolder.with { folder in
      let data = folder + "/data.safetensors"
      let x = (0..<16).map { Float($0) / 16 }
      try write(data, x: x, y: [0, 1, 0, 1, 0, 1, 0, 0], rows: 8)
      let job = try job(folder, "mse")
      func validate() throws -> Outcome {
        try Program.startCommand(
          ["env", "XDG_CACHE_HOME=\(folder)/cache", Program.path, "validate", job], in: folder
        ).wait()
      }
      func entries() -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder + "/cache/dltrain")) ?? []
      }
      // Not before the file has been left alone for a while.
      for _ in 0..<500 where entries().isEmpty { #expect(try validate().status == 0) }
      let entry = try #require(entries().first)
      let path = "\(folder)/cache/dltrain/\(entry)"
      let kept = try String(contentsOfFile: path, encoding: .utf8)
      #expect(kept.contains("\"non_finite\":0"))
      // An entry that says otherwise is believed, so the file is not gone through again.
      try kept.replacing("\"greatest\":[0.9375]", with: "\"greatest\":[0.5]")
        .replacing(
          "\"non_finite\":0,\"first_non_finite\":null",
          with: "\"non_finite\":1,\"first_non_finite\":2"
        )
        .write(toFile: path, atomically: true, encoding: .utf8)
      #expect(try validate().status == 65)
      try write(data, x: x, y: [0, 1, 0, 1, 0, 1, 0, 1], rows: 8)
      #expect(try validate().status == 0)
      // A folder that cannot be written to.
      try FileManager.default.removeItem(atPath: folder + "/cache")
      try "".write(toFile: folder + "/cache", atomically: true, encoding: .utf8)
      #expect(try validate().status == 0)
    }
  }

  @Test func vocabulariesThatDifferAreRefused() throws {
    try TemporaryFolder.with { folder in
      let texts = ["train": "bcdbcd", "other": "acdacd", "larger": "abcdefbcd"]
      for (name, text) in texts {
        try String(repeating: text, count: 30).write(
          toFile: "\(folder)/\(name).txt", atomically: true, encoding: .utf8)
        let outcome = try Program.run(
          ["data", "pack", "text", "\(folder)/\(name).txt", "-o", "\(folder)/\(name)"])
        #expect(outcome.status == 0, "\(outcome.errors)")
      }
      let path = folder + "/job.yaml"
      try """
      data: {train: train/train.safetensors, window: 8}
      model: {name: gpt, layers: 1, width: 8, heads: 2}
      batch_size: 8
      steps: 2

      """.write(toFile: path, atomically: true, encoding: .utf8)
      let run = folder + "/run"
      #expect(try Program.run(["train", path, "--out", run]).status == 0)
      for (name, fault) in [
        ("other", "token 0 is \"a\" (U+61), there \"b\" (U+62)"), ("larger", "token 0 is \"a\""),
      ] {
        let file = "\(folder)/\(name)/validation.safetensors"
        for arguments in [
          ["validate", path, "--set", "data.validation=\(file)"],
          ["train", path, "--set", "data.validation=\(file)", "--out", folder + "/next"],
          ["evaluate", run, "--data", file],
          ["train", path, "--set", "data.train=\(file)", "--out", run, "--resume", "auto"],
        ] {
          let outcome = try Program.run(arguments, in: folder)
          #expect(outcome.status == 65, "\(arguments): \(outcome.errors)")
          #expect(outcome.errors.contains(fault), "\(arguments): \(outcome.errors)")
        }
      }
      // Weights may begin a run over other tokens, with a line that says what differs.
      let begun = try Program.run(
        [
          "train", path, "--set", "data.train=\(folder)/other/train.safetensors", "--out",
          folder + "/begun", "--init", Job.checkpoint(run, step: 2),
        ])
      #expect(begun.status == 0, "\(begun.errors)")
      let warnings = begun.faults.filter { $0.contains("its vocabulary is not the one that") }
      #expect(warnings.count == 1, "\(begun.errors)")
      #expect(
        warnings.first?.contains("token 0 is \"a\" (U+61), there \"b\" (U+62)") == true,
        "\(warnings)")
      // Packed by the vocabulary of the training text it is understood; what it lacks is named.
      let like = ["--like", "\(folder)/train/train.safetensors"]
      try String(repeating: "dcb", count: 60).write(
        toFile: folder + "/more.txt", atomically: true, encoding: .utf8)
      let pack = ["data", "pack", "text"]
      let packed = try Program.run(pack + ["\(folder)/more.txt", "-o", folder + "/more"] + like)
      #expect(packed.status == 0, "\(packed.errors)")
      let outcome = try Program.run(
        ["evaluate", run, "--data", folder + "/more/validation.safetensors"])
      #expect(outcome.status == 0, "\(outcome.errors)")
      let refused = try Program.run(pack + ["\(folder)/other.txt", "-o", folder + "/no"] + like)
      #expect(refused.status == 65 && refused.errors.contains("line 1 has the character \"a\""))
    }
  }

  @Test func classesAreMatchedByTheirNames() throws {
    try TemporaryFolder.with { folder in
      let fixtures = Program.repository + "/Tests/DLFormatsTests/Golden/images"
      func put(_ name: String, _ classes: [String: String]) throws {
        for (label, image) in classes {
          let target = "\(folder)/\(name)/\(label)"
          try FileManager.default.createDirectory(
            atPath: target, withIntermediateDirectories: true)
          try FileManager.default.copyItem(
            atPath: "\(fixtures)/\(image)", toPath: "\(target)/1.\(image.suffix(3))")
        }
      }
      try put("train", ["ape": "420.jpg", "bee": "color.png", "cat": "palette.png"])
      try put("test", ["cat": "palette.png", "bee": "color.png"])
      try put("strange", ["cat": "palette.png", "yak": "color.png"])
      func pack(_ name: String, _ more: [String] = []) throws -> Outcome {
        try Program.run(
          ["data", "pack", "images", "\(folder)/\(name)", "-o", "\(folder)/\(name)-out"] + more)
      }
      for name in ["train", "test", "strange"] { #expect(try pack(name).status == 0) }
      func file(_ name: String) -> String { "\(folder)/\(name)-out/images.safetensors" }
      let path = folder + "/job.yaml"
      try """
      data: {train: train-out/images.safetensors, validation: test-out/images.safetensors}
      model: {layers: [flatten, {linear: {out: 3}}]}
      optimizer: {name: adam, lr: 0.01}
      batch_size: 3
      steps: 60
      validate: {every_steps: 60}

      """.write(toFile: path, atomically: true, encoding: .utf8)
      let run = folder + "/run"
      let trained = try Program.run(["train", path, "--out", run], in: folder)
      #expect(trained.output.contains("validation accuracy  100.00%"), "\(trained.output)")
      let right = try Program.run(["evaluate", run, "--data", file("test")], processes: 2)
      #expect(right.output.contains("100.00% (2 of 2)"), "\(right.output)\(right.errors)")
      let other = try Program.run(["evaluate", run, "--data", file("strange")])
      #expect(
        other.status == 65 && other.errors.contains("it has \"yak\", and lacks \"ape\", \"bee\""))
      let refused = try pack("strange", ["--like", file("train")])
      #expect(refused.status == 65 && refused.errors.contains("has the class \"yak\""))
      #expect(try pack("test", ["--like", file("train")]).status == 0)
      let described = try Program.run(["data", "describe", file("test")])
      #expect(described.output.contains("ape"))
    }
  }
}
