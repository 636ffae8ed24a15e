import DLCore
import DLFormats
import DLTestSupport
import Foundation
import Testing

/// Commands that must not write over what they or others need, nor pass over what they are told; through
/// the real program.
@Suite(.serialized)
struct CommandFaultTests {
  private func run(_ words: String, in folder: String) throws -> Outcome {
    try Program.run(words.split(separator: " ").map(String.init), processes: nil, in: folder)
  }

  private func succeed(_ words: String, in folder: String) throws -> Outcome {
    let outcome = try run(words, in: folder)
    #expect(outcome.status == 0, "\(words): \(outcome.errors)")
    return outcome
  }

  private func refuse(_ words: String, _ code: Int32, _ told: String, in folder: String) throws {
    let outcome = try run(words, in: folder)
    #expect(
      outcome.status == code && outcome.faults.count == 1, "\(words): \(outcome.errors)")
    #expect(outcome.errors.contains(told), "\(words): \(outcome.errors)")
  }

  private func bytes(_ path: String) throws -> [UInt8] { try File.contents(of: path) }

  /// A run on sentences of two words, and what it was packed from.
  private func trainOnWords(in folder: String) throws {
    try File.replace(folder + "/rows.tsv") { file in
      for row in 0..<40 {
        try file.write("\(row % 2)\t\(row % 2 == 0 ? "good film" : "bad film")\n")
      }
    }
    _ = try succeed("data pack sentences rows.tsv --split 1 -o words.safetensors", in: folder)
    try """
    data: {train: words.safetensors}
    model:
      layers: [{embedding: {entries: 9, size: 3}}, flatten, {linear: {out: 2}}]
    optimizer: {name: sgd, lr: 0.1}
    batch_size: 10
    checkpoint: {every_steps: 2}

    """.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
    let trained = try succeed("train job.yaml --out run", in: folder)
    // Without rows to validate on, none are there to evaluate.
    #expect(trained.output.contains("evaluate run --data FILE"), "\(trained.output)")
  }

  @Test func nothingIsWrittenOverWhatIsRead() throws {
    try TemporaryFolder.with { folder in
      try trainOnWords(in: folder)
      let words = try bytes(folder + "/words.safetensors")
      try "2 3\ngood 1 2 3\n".write(
        toFile: folder + "/vectors.txt", atomically: true, encoding: .utf8)
      for command in [
        "subset words.safetensors --classes 1 -o words.safetensors",
        "sentences rows.tsv --like words.safetensors -o words.safetensors",
        "vectors vectors.txt --like words.safetensors -o words.safetensors",
        "vectors vectors.txt --like words.safetensors -o vectors.txt",
      ] {
        try refuse("data pack \(command)", 64, "is what the command reads", in: folder)
      }
      #expect(try bytes(folder + "/words.safetensors") == words)
      for name in [
        "config.yaml", "metrics.jsonl", "checkpoints/step-00000004.safetensors",
        "checkpoints/latest",
      ] {
        let before = try bytes("\(folder)/run/\(name)")
        try refuse("neighbors run -o run/\(name)", 64, "write to another file", in: folder)
        #expect(try bytes("\(folder)/run/\(name)") == before, "\(name)")
      }
      // The table has room for more words than there are.
      let listed = try succeed("neighbors run good --count 3", in: folder)
      #expect(listed.output.contains("bad"), "\(listed.output)")
    }
  }

  @Test func aRunIsWhatOthersArePackedLike() throws {
    try TemporaryFolder.with { folder in
      try trainOnWords(in: folder)
      _ = try succeed("data pack sentences rows.tsv --like run -o again.safetensors", in: folder)
      let (first, again) = (
        try SafetensorsFile(path: folder + "/words.safetensors"),
        try SafetensorsFile(path: folder + "/again.safetensors")
      )
      #expect(try first.bytes("x") == again.bytes("x"))
      for (command, option) in [
        ("sentences rows.tsv --min-count 2", "--min-count"),
        ("csv rows.csv --label 1 --regression", "--label and --regression"),
        ("conllu rows.conllu --max-words 9", "--max-words"),
        ("audio sounds --mels 20 --no-standardize", "--mels and --standardize"),
        ("parallel a.de a.en --vocabulary 300", "--vocabulary"),
      ] {
        try refuse(
          "data pack \(command) --like run -o out", 64, "\(option): the file of --like",
          in: folder)
      }
      let layers = try succeed("inspect run", in: folder)
      #expect(layers.output == (try succeed("inspect job.yaml", in: folder)).output)
    }
  }

  @Test func namesThatAreNoneAreGuessed() throws {
    try TemporaryFolder.with { folder in
      for (words, told) in [
        ("evalute runs/digits", "no command \"evalute\", did you mean evaluate?"),
        ("help evalute", "did you mean evaluate?"), ("recipes digitz", "did you mean digits?"),
        ("train digitz", "no configuration file and no recipe, did you mean digits?"),
        ("train digits --set optimizer=adam", "a mapping, as in {name: adam}"),
        ("train digits --set data.train=embedded:digits", "embedded:digits-validation"),
        ("analyze run --to run --line 0", "--line 0 leaves out"),
        ("analyze run --lanczos -1", "--lanczos -1"),
      ] {
        let outcome = try run(words, in: folder)
        #expect([64, 65].contains(outcome.status), "\(words): \(outcome.errors)")
        #expect(
          outcome.faults.count == 1 && outcome.errors.contains(told), "\(words): \(outcome.errors)")
      }
    }
  }

  /// What the optimizers refuse is found without training too.
  @Test func validateChecksTheOptimizers() throws {
    try TemporaryFolder.with { folder in
      for (setting, told) in [
        ("optimizer.groups=[{match: nothing.*, lr: 1}]", "matches no parameter"),
        ("optimizer.groups=[{match: \"*\", frozen: true}]", "all parameters are frozen"),
        ("optimizer.constraints=[{match: head.weight, max_norm: 3}]", "matches no parameter"),
        ("optimizer={name: muon, lr: 0.02}", "muon takes matrices"),
      ] {
        let outcome = try Program.run(["validate", "digits", "--set", setting], in: folder)
        #expect(outcome.status == 64 && outcome.errors.contains(told), "\(outcome.errors)")
      }
    }
  }

  @Test func aResumeTellsWhatHasChanged() throws {
    try TemporaryFolder.with { folder in
      let job = "train digits --ranks 1 --out run --set steps=8"
      _ = try succeed("\(job) --set optimizer.lr=0.25 --stop-at 4", in: folder)
      let resumed = try succeed("\(job) --set optimizer.lr=0.5 --resume auto", in: folder)
      #expect(
        resumed.errors.contains(
          "goes on with other settings: optimizer.lr 0.25 is 0.5 now"), "\(resumed.errors)")
      let defended = "train digits --ranks 1 --out defended --set steps=8"
      _ = try succeed("\(defended) --set adversarial.epsilon=0.1 --stop-at 4", in: folder)
      let plain = try succeed(
        "train digits --ranks 1 --resume defended --out plain --set steps=8", in: folder)
      #expect(plain.errors.contains("adversarial.epsilon 0.1 is unset now"), "\(plain.errors)")
      let same = try succeed("\(job) --set optimizer.lr=0.5 --resume auto", in: folder)
      #expect(!same.errors.contains("other settings"), "\(same.errors)")
    }
  }

  @Test func exportsAreNamedByTheirFormat() throws {
    try TemporaryFolder.with { folder in
      _ = try succeed("train digits --ranks 1 --out run --set steps=2", in: folder)
      try refuse("export run -o net.pt", 64, ".pt is none of .safetensors, .onnx, .py", in: folder)
      _ = try succeed("export run -o net.pt --format safetensors", in: folder)
      _ = try succeed("export run -o NET.ONNX", in: folder)
      #expect(try bytes(folder + "/NET.ONNX").first == 0x08)
    }
  }

  /// The seconds of a run that was stopped and went on are those of both parts.
  @Test func studiesKeepTheSecondsOfWhatWasDone() throws {
    try TemporaryFolder.with { folder in
      try """
      name: pieces
      job: digits
      set: {steps: 40}
      seeds: [1]
      table: [steps, seconds]

      """.write(toFile: folder + "/study.yaml", atomically: true, encoding: .utf8)
      _ = try succeed("study study.yaml --out out", in: folder)
      // Without its line in the journal a finished run is opened again, and makes no further step.
      let path = folder + "/out/journal.jsonl"
      let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      try (lines[0] + "\n").write(toFile: path, atomically: true, encoding: .utf8)
      _ = try succeed("study study.yaml --out out --resume", in: folder)
      func seconds(_ line: Substring) throws -> Double {
        try #require(JSON(parsing: String(line))["figures"]?["seconds"]?.double)
      }
      let again = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      let runs = folder + "/out/runs"
      let run = try #require(FileManager.default.contentsOfDirectory(atPath: runs).first)
      let steps = try String(
        contentsOfFile: "\(runs)/\(run)/metrics.jsonl", encoding: .utf8
      ).split(separator: "\n").compactMap {
        try JSON(parsing: String($0))["compute_s"]?.double
      }
      #expect(steps.count == 40)
      #expect(try seconds(again[1]) >= steps.reduce(0, +), "\(again)")
    }
  }

  @Test func studiesAreCheckedAsAWhole() throws {
    try TemporaryFolder.with { folder in
      try """
      name: ranks
      job: digits
      set: {steps: 2}
      runs: [{name: a, set: {seed: 2}}, {name: b, set: {virtual_ranks: 3}}]

      """.write(toFile: folder + "/ranks.yaml", atomically: true, encoding: .utf8)
      let outcome = try Program.run(
        ["study", "ranks.yaml", "--ranks", "all", "--out", "out"], processes: 2, in: folder)
      #expect(outcome.status == 64, "\(outcome.errors)")
      #expect(outcome.errors.contains("b: virtual_ranks 3: 2 processes"), "\(outcome.errors)")
      #expect(!File.exists(folder + "/out/runs"))
      try """
      name: rates
      job: digits
      grid: {optimizer.lr: [0, 0.1]}
      plot: {x: optimizer.lr, y: validation.loss, log_x: true}

      """.write(toFile: folder + "/rates.yaml", atomically: true, encoding: .utf8)
      try refuse("study rates.yaml --out out", 64, "no place on a logarithmic axis", in: folder)
    }
  }
}
