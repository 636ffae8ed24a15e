import DLFormats
import DLTestSupport
import Foundation
import Testing

/// `--split` and `--folds` of every packer through the real program.
@Suite(.serialized)
struct SplitCommandTests {
  private func pack(_ source: PackedSources.Source, _ more: [String], in folder: String) throws
    -> Outcome
  {
    let words = source.command.split(separator: " ").map(String.init)
    return try Program.run(["data", "pack"] + words + more, in: folder)
  }

  /// The rows of a file, each as its bytes of x and y.
  private func rows(_ path: String) throws -> [[UInt8]] {
    let file = try SafetensorsFile(path: path)
    let count = try file.info("x").shape[0]
    let tensors = try ["x", "y"].map { try file.bytes($0) }
    return (0..<count).map { row in
      tensors.flatMap { bytes in
        let size = bytes.count / count
        return bytes[row * size..<(row + 1) * size]
      }
    }
  }

  @Test func everyPackerPartsItsRows() throws {
    try TemporaryFolder.with { folder in
      try PackedSources.write(to: folder)
      for (place, source) in PackedSources.all.enumerated()
      where !source.command.hasPrefix("text") && !source.command.hasPrefix("cora") {
        // What has a part to test on keeps it.
        let shares = source.beside.isEmpty ? [2, 1, 1] : [3, 1]
        let split = ["--split", shares.map { "\(Double($0) / 4)" }.joined(separator: ",")]
        let packed = try pack(source, split + ["--seed", "3", "-o", "s\(place)"], in: folder)
        #expect(packed.status == 0, "\(source.command): \(packed.errors)")
        let parts = try zipped(["train", "validation", "test"].prefix(shares.count), shares).map {
          name, share in
          let rows = try rows("\(folder)/s\(place)/\(name).safetensors")
          #expect(rows.count == source.rows * share / 4, "\(source.command)")
          return rows
        }
        for name in source.beside {
          #expect(!(try rows("\(folder)/s\(place)/\(name).safetensors")).isEmpty)
        }
        // The same again by the same seed, other rows by another.
        for (seed, isSame) in [("3", true), ("4", false)] {
          let again = try pack(source, split + ["--seed", seed, "-o", "again"], in: folder)
          #expect(again.status == 0, "\(source.command): \(again.errors)")
          let other = try rows(folder + "/again/train.safetensors")
          #expect((other == parts[0]) == isSame || !tells(source), "\(source.command)")
        }
      }
    }
  }

  /// Whether rows can be told apart in whatever part they are: sounds and graphs are all the same, and
  /// words have numbers of their part's own vocabulary.
  private func tells(_ source: PackedSources.Source) -> Bool {
    !["audio", "graphs", "sentences", "conllu", "parallel"].contains {
      source.command.hasPrefix($0)
    }
  }

  @Test func everyPackerDealsItsRowsOut() throws {
    try TemporaryFolder.with { folder in
      try PackedSources.write(to: folder)
      for (place, source) in PackedSources.all.enumerated() {
        let packed = try pack(
          source, ["--folds", "3", "-o", "f\(place)"], in: folder)
        guard source.hasFolds else {
          #expect(packed.status == 64 && packed.faults.count == 1, "\(packed.errors)")
          #expect(packed.errors.contains("folds"), "\(packed.errors)")
          continue
        }
        #expect(packed.status == 0, "\(source.command): \(packed.errors)")
        var validated: [[UInt8]] = []
        for fold in 1...3 {
          let path = "\(folder)/f\(place)/fold-\(fold)"
          let (train, held) = try (
            rows(path + "/train.safetensors"), rows(path + "/validation.safetensors")
          )
          #expect(train.count + held.count == source.rows, "\(source.command)")
          #expect(held.count == source.rows / 3, "\(source.command)")
          validated += held
        }
        #expect(validated.count == source.rows)
        // Each is held out once.
        guard tells(source), source.beside.isEmpty else { continue }
        let whole = try pack(
          source, ["--split", "1", "-o", "w\(place)"], in: folder)
        #expect(whole.status == 0, "\(source.command): \(whole.errors)")
        let all = try rows("\(folder)/w\(place)/train.safetensors")
        #expect(sorted(validated) == sorted(all), "\(source.command)")
      }
    }
  }

  private func sorted(_ rows: [[UInt8]]) -> [[UInt8]] {
    rows.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// Whatever a packer writes, a folder or one file: the folders above it are made, and none where the
  /// source is refused.
  @Test func everyPackerMakesTheFoldersOfItsOutput() throws {
    try TemporaryFolder.with { folder in
      try PackedSources.write(to: folder)
      func isFolder(_ command: String) -> Bool {
        ["images", "mnist", "text"].contains { command.hasPrefix($0) }
      }
      let parted = PackedSources.all.map(\.command).map { command in
        isFolder(command) || command.hasPrefix("cora") ? command : command + " --split 1"
      }
      try "word0 1 2\nword3 0.5 -1\n".write(
        toFile: folder + "/glove.txt", atomically: true, encoding: .utf8)
      let words = try Program.run(
        ["data", "pack", "sentences", "no.txt", "yes.txt", "-o", "words"], in: folder)
      #expect(words.status == 0, "\(words.errors)")
      let others = [
        "strewn embedded:digits-validation --rows 3 --canvas 20x20",
        "subset embedded:digits-validation --per-class 2",
        "vectors glove.txt --like words/train.safetensors", "images pictures --keep-encoded",
      ]
      for (place, command) in (parted + others).enumerated() {
        let name = isFolder(command) ? "packed" : "packed.safetensors"
        let packed = try Program.run(
          ["data", "pack"] + command.split(separator: " ").map(String.init)
            + ["-o", "new-\(place)/within/\(name)"], in: folder)
        #expect(packed.status == 0, "\(command): \(packed.errors)")
        let files = try FileManager.default.subpathsOfDirectory(
          atPath: "\(folder)/new-\(place)/within"
        ).filter { $0.hasSuffix(".safetensors") }
        #expect(isFolder(command) ? !files.isEmpty : files == [name], "\(command): \(files)")
      }
      let refused = try Program.run(
        ["data", "pack", "npy", "x.npy", "none.npy", "-o", "nothing/within"], in: folder)
      #expect(refused.status == 74, "\(refused.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/nothing"))
    }
  }

  /// A text is cut, and the nodes of a graph change sides.
  @Test func textsAndGraphsAreParted() throws {
    try TemporaryFolder.with { folder in
      try PackedSources.write(to: folder)
      let text = try Program.run(
        ["data", "pack", "text", "a.en", "--split", "0.5,0.25,0.25", "-o", "text"], in: folder)
      #expect(text.status == 0, "\(text.errors)")
      let tokens = try ["train", "validation", "test"].map {
        try SafetensorsFile(path: "\(folder)/text/\($0).safetensors").bytes("tokens").count / 4
      }
      let length = try String(contentsOfFile: folder + "/a.en", encoding: .utf8).count
      #expect(tokens.reduce(0, +) == length && tokens[0] == length / 2, "\(tokens)")
      let cora = try Program.run(
        [
          "data", "pack", "cora", "cora", "--features", "30", "--split", "0.5,0.25,0.25", "-o",
          "cora.safetensors",
        ], in: folder)
      #expect(cora.status == 0, "\(cora.errors)")
      let split = try SafetensorsFile(path: folder + "/cora.safetensors").bytes("split")
      #expect([1, 2, 3].map { part in split.count { $0 == part } } == [12, 6, 6])
    }
  }

  /// Tar shards through training: the classes are those of the .cls members, at any number of ranks.
  @Test func shardsAreTrainedOn() throws {
    try TemporaryFolder.with { folder in
      try PackedSources.write(to: folder)
      let packed = try Program.run(
        [
          "data", "pack", "tar", "shard-{0..1}.tar", "--size", "2x2", "--channels", "1", "--split",
          "1", "-o", "tar",
        ], in: folder)
      #expect(
        packed.output.hasSuffix("tar/train.safetensors: x [24, 2, 2, 1]\n"), "\(packed.errors)")
      // As images of the same folders, in the order of the shards.
      let images = try Program.run(
        [
          "data", "pack", "images", "pictures", "--size", "2x2", "--channels", "1", "-o", "png",
        ],
        in: folder)
      #expect(images.status == 0, "\(images.errors)")
      let (tar, png) = try (
        rows(folder + "/tar/train.safetensors"), rows(folder + "/png/images.safetensors")
      )
      #expect(sorted(tar) == sorted(png))
      var weights: [[String: [UInt8]]] = []
      for processes in [1, 2] {
        let trained = try Program.run(
          [
            "train", try job(in: folder), "--set", "data.train=tar/train.safetensors", "--out",
            "run-\(processes)",
          ], processes: processes, in: folder)
        #expect(trained.status == 0, "\(trained.errors)")
        weights.append(try Job.tensors("\(folder)/run-\(processes)", step: 4))
      }
      #expect(weights[0] == weights[1])
      let predicted = try Program.run(
        ["predict", "run-1", "tar/train.safetensors"], in: folder)
      #expect(predicted.output.contains("cat") || predicted.output.contains("dog"))
      // A member that is no image is named.
      try "no picture".write(
        toFile: folder + "/shard-0/0.png", atomically: true, encoding: .utf8)
      let spoiled = try Program.startCommand(
        ["tar", "--sort=name", "-cf", "bad.tar", "-C", "shard-0", "."], in: folder
      ).wait()
      #expect(spoiled.status == 0)
      let refused = try Program.run(["data", "pack", "tar", "bad.tar", "-o", "bad"], in: folder)
      #expect(refused.status == 65 && refused.faults.count == 1, "\(refused.errors)")
      #expect(refused.errors.contains("0.png"), "\(refused.errors)")
    }
  }

  private func job(in folder: String) throws -> String {
    try """
    data: {train: none}
    model: {layers: [flatten, {linear: {out: 2}}]}
    optimizer: {name: sgd, lr: 0.1}
    batch_size: 6
    virtual_ranks: 2
    steps: 4

    """.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
    return "job.yaml"
  }

  /// An archive of arrays, to a run and to predictions.
  @Test func arraysAreTrainedOn() throws {
    try TemporaryFolder.with { folder in
      try PackedSources.write(to: folder)
      let packed = try Program.run(
        [
          "data", "pack", "npz", "arrays.npz", "--split", "0.5,0.25,0.25", "--stratify",
          "--class-names", "red,green,blue", "-o", "arrays",
        ], in: folder)
      #expect(packed.status == 0, "\(packed.errors)")
      #expect(packed.output.contains("arrays/train.safetensors: x [6, 5]"), "\(packed.output)")
      let job = try job(in: folder)
      let trained = try Program.run(
        [
          "train", job, "--set", "data.train=arrays/train.safetensors", "--set",
          "data.validation=arrays/validation.safetensors", "--set",
          "model.layers=[{linear: {out: 3}}]", "--ranks", "2", "--out", "run",
        ], in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      let predicted = try Program.run(["predict", "run", "arrays/test.safetensors"], in: folder)
      #expect(predicted.status == 0, "\(predicted.errors)")
      let lines = predicted.output.split(separator: "\n")
      #expect(lines.count == 4, "\(predicted.output)")
      #expect(
        lines.dropFirst().allSatisfy { line in
          ["red", "green", "blue"].contains { line.hasSuffix(",\($0)") }
        }, "\(predicted.output)")
      let targets = try Program.run(
        [
          "data", "pack", "npz", "arrays.npz", "--label", "targets", "--split", "1", "-o",
          "targets.safetensors",
        ], in: folder)
      #expect(targets.status == 0, "\(targets.errors)")
      let file = try SafetensorsFile(path: folder + "/targets.safetensors")
      #expect(try file.info("y").dtype == .float32 && file.info("y").shape == [12, 1])
    }
  }
}
