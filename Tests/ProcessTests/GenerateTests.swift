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
      for (option, words) in [("--tokens", "belongs to a text"), ("--images", "-o FILE.png")] {
        let output = option == "--tokens" ? "/x.png" : "/x.txt"
        let other = try Program.run(["generate", run, "-o", folder + output, option, "3"])
        #expect(other.status == 64 && other.errors.contains(words), "\(other.errors)")
      }
      // Neither checkpoint nor configuration is written over.
      let checkpoint = run + "/checkpoints/step-00000002.safetensors"
      for (verb, output) in [
        ("export", checkpoint), ("export", run + "/config.yaml"),
        ("generate", run + "/config.yaml"),
      ] {
        let before = try Data(contentsOf: URL(fileURLWithPath: output))
        let refused = try Program.run([verb, run, "-o", output])
        #expect(refused.status == 64, "\(verb) \(refused.errors)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: output)) == before)
      }
      let none = try Program.run(["generate", run, "-o", folder + "/none.png", "--images", "0"])
      #expect(none.status == 64)
      #expect(none.errors.contains("images 0"), "\(none.errors)")
    }
  }

  /// What a variational autoencoder's decoder makes of codes drawn from the prior.
  @Test func anAutoencoderDrawsImagesByItsSeed() throws {
    for (likelihood, data, height, width, channels) in [
      ("bernoulli", "{train: \"embedded:digits-train\"}", 8, 8, 1),
      ("gaussian", "{synthetic: {shape: [6, 5, 3], classes: 2, rows: 8}}", 6, 5, 3),
    ] {
      try TemporaryFolder.with { folder in
        let run = try train(
          """
          data: \(data)
          model:
            name: vae
            latent: 3
            likelihood: \(likelihood)
            encoder: [flatten, {linear: {out: 4}}, tanh]
            decoder: [{linear: {out: 4}}, tanh, {linear: {out: \(height * width * channels)}}]
          optimizer: {name: adam, lr: 0.01}
          batch_size: 4
          steps: 2
          """, in: folder)
        func draw(_ name: String, _ arguments: String...) throws -> RasterImage {
          let path = "\(folder)/\(name).png"
          let outcome = try Program.run(["generate", run, "-o", path] + arguments)
          #expect(outcome.status == 0, "\(outcome.errors)")
          let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
          return try ImageDecoder().decode(bytes, name: path)
        }
        let first = try draw("first", "--images", "10")
        #expect(first.height == 2 * (height + 2) - 2 && first.width == 8 * (width + 2) - 2)
        #expect(first.channels == channels)
        #expect(try draw("again", "--images", "10").pixels == first.pixels)
        #expect(try draw("other", "--images", "10", "--seed", "2").pixels != first.pixels)
        // The first images do not depend on how many are drawn, and differ from each other.
        let few = try draw("few", "--images", "3")
        func tile(_ sheet: RasterImage, _ place: Int) -> [UInt8] {
          (0..<height).flatMap { row -> ArraySlice<UInt8> in
            let start = (row * sheet.width + place * (width + 2)) * channels
            return sheet.pixels[start..<start + width * channels]
          }
        }
        for place in 0..<3 { #expect(tile(few, place) == tile(first, place)) }
        #expect(tile(first, 0) != tile(first, 1))
        let text = try Program.run(["generate", run])
        #expect(text.status == 64 && text.errors.contains("-o FILE.png"), "\(text.errors)")
      }
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

  /// Hugging Face's tokenizers go with the data, the run and what is predicted.
  @Test func tokenizersOfHuggingFaceTravel() throws {
    try TemporaryFolder.with { folder in
      let text = "The quick brown fox, naïve Köln. 漢字\n"
      try String(repeating: text, count: 20).write(
        toFile: folder + "/text.txt", atomically: true, encoding: .utf8)
      let lines = ["a\tThe fox is quick.", "b\tEin Hund!", "a\tA quick fox?", "b\tHunde"]
      try lines.joined(separator: "\n").write(
        toFile: folder + "/lines.tsv", atomically: true, encoding: .utf8)
      try "The fox!\nHund\n".write(
        toFile: folder + "/new.txt", atomically: true, encoding: .utf8)
      let pairs = golden("tokenizer-bpe.json", of: "DLDataTests")
      let pieces = golden("tokenizer-wordpiece.json", of: "DLDataTests")
      for arguments in [
        ["data", "pack", "text", "text.txt", "--tokenizer", pairs, "-o", "text"],
        [
          "data", "pack", "sentences", "lines.tsv", "--tokenizer", pieces, "--split", "0.5,0.5",
          "-o", "lines",
        ],
        ["data", "describe", "lines/train.safetensors"],
      ] {
        let outcome = try Program.run(arguments, in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
      }
      let run = try train(
        """
        data: {train: text/train.safetensors, validation: text/validation.safetensors, window: 8}
        model: {name: gpt2, layers: 1, width: 8, heads: 2, positions: 16}
        batch_size: 4
        steps: 2
        """, in: folder)
      let outcome = try Program.run(
        ["generate", run, "--prompt", "The naïve fox", "--tokens", "12"])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.hasPrefix("The naïve fox"), "\(outcome.output)")
      let kept = try SafetensorsFile(path: Job.checkpoint(run, step: 2)).metadata["tokenizer"]
      let packed = try SafetensorsFile(path: folder + "/text/validation.safetensors")
      #expect(kept == packed.metadata["tokenizer"] && kept?.contains("<|endoftext|>") == true)

      try FileManager.default.moveItem(atPath: run, toPath: folder + "/first")
      let classes = try train(
        """
        data: {train: lines/train.safetensors}
        model:
          layers: [{embedding: {entries: 600, size: 4}}, global_avg_pool1d, {linear: {out: 2}}]
        batch_size: 2
        steps: 2
        """, in: folder)
      let predicted = try Program.run(["predict", classes, "new.txt"], in: folder)
      #expect(predicted.status == 0, "\(predicted.errors)")
      #expect(predicted.output.split(separator: "\n").count == 3, "\(predicted.output)")
      // Another tokenizer means something else by the same numbers.
      let width = try SafetensorsFile(path: folder + "/lines/train.safetensors").info("x").shape[1]
      let other = try Program.run(
        [
          "data", "pack", "sentences", "lines.tsv", "--tokenizer", pairs, "--split", "0.5,0.5",
          "--length", String(width), "-o", "other",
        ], in: folder)
      #expect(other.status == 0, "\(other.errors)")
      let mixed = try Program.run(
        ["evaluate", classes, "--data", "other/train.safetensors"], in: folder)
      #expect(mixed.status == 65, "\(mixed.errors)")
      #expect(mixed.faults.count == 1 && mixed.errors.contains("vocabulary"), "\(mixed.errors)")
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
