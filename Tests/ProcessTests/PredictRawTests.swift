import DLFormats
import DLTestSupport
import Foundation
import Testing

/// `dltrain predict` with files as people have them, and arrays packed on the way.
@Suite struct PredictRawTests {
  private func must(_ arguments: [String], in folder: String) throws -> Outcome {
    let outcome = try Program.run(arguments, in: folder)
    #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
    return outcome
  }

  private func train(_ layers: String, in folder: String) throws {
    let job = """
      data: {train: packed/train.safetensors}
      model: {layers: \(layers)}
      optimizer: {name: sgd, lr: 0.01}
      batch_size: 2
      steps: 2

      """
    try job.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
    _ = try must(["train", "job.yaml", "--out", "run"], in: folder)
  }

  /// The row, its class, a probability and the name.
  private func checkLines(_ output: String, count: Int, names: [String]) {
    let lines = output.split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    #expect(lines.count == count + 1, "\(output)")
    for line in lines.suffix(count) { #expect(names.contains(line.last ?? ""), "\(output)") }
  }

  /// A damaged file, and one of another kind, is one line with exit code 65.
  private func checkRefused(_ bytes: Data, _ words: String, in folder: String) throws {
    try bytes.write(to: URL(fileURLWithPath: folder + "/bad"))
    let outcome = try Program.run(["predict", "run", "bad"], in: folder)
    #expect(outcome.status == 65 && outcome.faults.count == 1, "\(outcome.errors)")
    #expect(outcome.errors.contains(words), "\(outcome.errors)")
  }

  @Test func anImage() throws {
    try TemporaryFolder.with { folder in
      let image = golden("images/color.png", of: "DLFormatsTests")
      for path in ["cat", "dog"] {
        try FileManager.default.createDirectory(
          atPath: folder + "/in/" + path, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: image, toPath: folder + "/in/\(path)/1.png")
      }
      _ = try must(
        ["data", "pack", "images", "in", "--size", "4x4", "--split", "1", "-o", "packed"],
        in: folder)
      try train("[flatten, {linear: {out: 2}}]", in: folder)
      let outcome = try must(["predict", "run", image], in: folder)
      checkLines(outcome.output, count: 1, names: ["cat", "dog"])
      let bytes = try Data(contentsOf: URL(fileURLWithPath: image))
      try checkRefused(bytes.prefix(60), "bad", in: folder)
      let array = try SafetensorsFile(
        path: golden("numpy/arrays.safetensors", of: "DLFormatsTests"))
      try checkRefused(
        Data(try array.bytes("file/little-f4-C")), "dltrain data pack npy", in: folder)
    }
  }

  @Test func aSound() throws {
    try TemporaryFolder.with { folder in
      let sound = golden("pcm16.wav", of: "DLFormatsTests")
      for name in ["low", "high"] {
        try FileManager.default.createDirectory(
          atPath: folder + "/in/" + name, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: sound, toPath: folder + "/in/\(name)/1.wav")
      }
      _ = try must(
        ["data", "pack", "audio", "in", "--mels", "4", "--split", "1", "-o", "packed"], in: folder)
      try train("[flatten, {linear: {out: 2}}]", in: folder)
      let outcome = try must(["predict", "run", sound], in: folder)
      checkLines(outcome.output, count: 1, names: ["low", "high"])
      let bytes = try Data(contentsOf: URL(fileURLWithPath: sound))
      try checkRefused(bytes.prefix(50), "bad", in: folder)
    }
  }

  @Test func aText() throws {
    try TemporaryFolder.with { folder in
      try "a good film\nwell made\n".write(
        toFile: folder + "/pos.txt", atomically: true, encoding: .utf8)
      try "a bad film\nnot well made\n".write(
        toFile: folder + "/neg.txt", atomically: true, encoding: .utf8)
      _ = try must(
        ["data", "pack", "sentences", "pos.txt", "neg.txt", "--split", "1", "-o", "packed"],
        in: folder)
      try train(
        "[{embedding: {entries: 9, size: 4, padding_idx: 0}}, global_avg_pool1d, {linear: {out: 2}}]",
        in: folder)
      try "a film\nunknown words\nbad\n".write(
        toFile: folder + "/new.txt", atomically: true, encoding: .utf8)
      let outcome = try must(["predict", "run", "new.txt"], in: folder)
      checkLines(outcome.output, count: 3, names: ["pos", "neg"])
      try checkRefused(Data("a film\n\nbad\n".utf8), "line 2 has no words", in: folder)
      try checkRefused(Data(), "holds no words, give a text a line", in: folder)
      try checkRefused(
        Data("a film\n".utf8) + Data([0x62, 0xff, 10]), "line 2 is not UTF-8 text", in: folder)
    }
  }

  /// An archive of arrays is packed in parts, and trained on.
  @Test func arrays() throws {
    try TemporaryFolder.with { folder in
      let archive = golden("numpy/deflated.npz", of: "DLFormatsTests")
      let packed = try must(
        [
          "data", "pack", "npz", archive, "--split", "0.5,0.5", "--stratify", "--class-names",
          "a,b,c", "-o", "packed",
        ], in: folder)
      #expect(packed.output.contains("packed/train.safetensors: x [6, 5]"))
      try train("[{linear: {out: 3}}]", in: folder)
      let outcome = try must(["predict", "run", "packed/validation.safetensors"], in: folder)
      checkLines(outcome.output, count: 6, names: ["a", "b", "c"])
      let wrong = try Program.run(["data", "pack", "npy", archive, "-o", "other"], in: folder)
      #expect(wrong.status == 65 && wrong.faults.count == 1, "\(wrong.errors)")
      #expect(wrong.errors.contains("pack them by dltrain data pack npz"), "\(wrong.errors)")
    }
  }
}
