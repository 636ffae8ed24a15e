import DLFormats
import DLTestSupport
import Foundation
import Testing

/// `dltrain generate`, `predict` and `inspect` where a kind of network has its own way, through the
/// real program.
@Suite(.serialized)
struct GenerateTests {
  private func train(_ yaml: String, in folder: String) throws -> String {
    try yaml.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
    let outcome = try Program.run(
      ["train", folder + "/job.yaml", "--ranks", "1", "--out", folder + "/run"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    return folder + "/run"
  }

  /// The size that a PNG file's header gives (RFC 2083, 4.1.1).
  private func size(ofPNG path: String) throws -> [Int] {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]))
    return [16, 20].map { at in bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
  }

  @Test func aGeneratorDrawsImagesByItsSeed() throws {
    try TemporaryFolder.with { folder in
      let run = try train(
        """
        data: {synthetic: {shape: [28, 28, 1], classes: 2, rows: 8}}
        model: {name: dcgan, latent: 4, width: 2}
        batch_size: 4
        steps: 2
        """, in: folder)
      func draw(_ name: String, _ arguments: String...) throws -> Data {
        let path = "\(folder)/\(name).png"
        let outcome = try Program.run(["generate", run, "-o", path] + arguments)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try Data(contentsOf: URL(fileURLWithPath: path))
      }
      let first = try draw("first", "--images", "10")
      #expect(try draw("again", "--images", "10") == first)
      #expect(try draw("other", "--images", "10", "--seed", "2") != first)
      // Eight in a row with two pixels between them, so two rows.
      #expect(try size(ofPNG: folder + "/first.png") == [8 * 30 - 2, 2 * 30 - 2])

      let rows = SafetensorsTensor(name: "x", dtype: .float32, shape: [2, 28, 28, 1]) { sink in
        try [Float](repeating: 0, count: 2 * 28 * 28).withUnsafeBytes { try sink($0) }
      }
      try SafetensorsWriter.write([rows], to: folder + "/rows.safetensors")
      let predicted = try Program.run(["predict", run, folder + "/rows.safetensors"])
      #expect(predicted.status == 64)
      #expect(predicted.errors.contains("generate RUN -o"), "\(predicted.errors)")
      let refused = try Program.run(["generate", run])
      #expect(refused.status == 64)
      #expect(refused.faults.count == 1)
      #expect(refused.errors.contains("-o FILE.png"), "\(refused.errors)")
      let none = try Program.run(["generate", run, "-o", folder + "/none.png", "--images", "0"])
      #expect(none.status == 64)
      #expect(none.errors.contains("images 0"), "\(none.errors)")
    }
  }

  @Test func aTextWithoutLineBreaksGoesOnWithoutAPrompt() throws {
    try TemporaryFolder.with { folder in
      try String(repeating: "abacad", count: 30).write(
        toFile: folder + "/text.txt", atomically: true, encoding: .utf8)
      let packed = try Program.run(["data", "pack", "text", "text.txt", "-o", "text"], in: folder)
      #expect(packed.status == 0, "\(packed.errors)")
      let run = try train(
        """
        data: {train: text/train.safetensors, window: 4}
        model: {name: gpt, layers: 1, width: 8, heads: 2}
        batch_size: 4
        steps: 1
        """, in: folder)
      let outcome = try Program.run(["generate", run, "--tokens", "20"])
      #expect(outcome.status == 0, "\(outcome.errors)")
      let text = outcome.output.trimmingCharacters(in: .newlines)
      #expect(text.count == 21)
      #expect(text.allSatisfy("abcd".contains))
      let file = folder + "/more.txt"
      let written = try Program.run(["generate", run, "--tokens", "20", "-o", file])
      #expect(written.status == 0, "\(written.errors)")
      #expect(try String(contentsOfFile: file, encoding: .utf8) == outcome.output)
      let images = try Program.run(["generate", run, "-o", folder + "/more.png"])
      #expect(images.status == 64)
      #expect(images.errors.contains("makes no images"), "\(images.errors)")
    }
  }

  /// Without its data a recipe is shown where rows of any values will do, and else told where to get
  /// them, as `train` tells it.
  @Test func recipesAreInspectedOrSayWhatTheyNeed() throws {
    for name in ["digits", "lenet-mnist", "resnet20-cifar10", "dcgan-mnist"] {
      let outcome = try Program.run(["inspect", name])
      #expect(outcome.status == 0, "\(name): \(outcome.errors)")
      #expect(outcome.output.contains("total"))
    }
    for name in ["gpt-shakespeare", "lstm-shakespeare", "transformer-de-en", "gcn-cora"] {
      let outcome = try Program.run(["inspect", name])
      #expect(outcome.status == 64)
      #expect(outcome.errors.contains("no data.train; pack"), "\(outcome.errors)")
      #expect(try Program.run(["train", name]).errors == outcome.errors)
    }
  }
}
