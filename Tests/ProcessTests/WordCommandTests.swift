import DLCore
import DLFormats
import DLTestSupport
import Foundation
import Testing

/// Commands of words through the real program: neighbors of vectors, vectors as weights to start from,
/// and what a translation looks at.
@Suite(.serialized)
struct WordCommandTests {
  private func run(_ arguments: [String]) throws -> Outcome {
    try Program.run(arguments, processes: nil)
  }

  private func succeed(_ arguments: [String]) throws -> Outcome {
    let outcome = try run(arguments)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return outcome
  }

  private func refuse(_ arguments: [String], code: Int32, _ words: String...) throws {
    let outcome = try run(arguments)
    #expect(outcome.status == code && outcome.faults.count == 1, "\(outcome.errors)")
    for word in words { #expect(outcome.errors.contains(word), "\(word) in: \(outcome.errors)") }
  }

  /// The vectors of a file in word2vec's format.
  private func vectors(_ path: String) throws -> [String: [Double]] {
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    return Dictionary(
      uniqueKeysWithValues: lines.dropFirst().map { line in
        let cells = line.split(separator: " ")
        return (String(cells[0]), cells.dropFirst().compactMap { Double($0) })
      })
  }

  @Test func vectorsAreLookedUpWrittenAndReadAgain() throws {
    try TemporaryFolder.with { folder in
      let text = "the cat saw the dog and the dog saw a bird while a cat ran to the bird\n"
      try File.replace(folder + "/text.txt") {
        try $0.write(String(repeating: text, count: 12))
      }
      _ = try succeed([
        "data", "pack", "text", folder + "/text.txt", "--words", "-o", folder + "/words",
      ])
      let data = folder + "/words/train.safetensors"
      try File.replace(folder + "/job.yaml") {
        try $0.write(
          """
          data: {train: \(data), window: 5}
          model: {name: word2vec, size: 4, negatives: 2}
          optimizer: {name: adam, lr: 0.05}
          batch_size: 16
          steps: 4
          """)
      }
      let trained = folder + "/run"
      _ = try succeed(["train", folder + "/job.yaml", "--ranks", "1", "--out", trained])
      let written = folder + "/vectors.txt"
      let outcome = try succeed([
        "neighbors", trained, "cat", "--plus", "bird", "--minus", "dog", "--count", "2", "-o",
        written,
      ])
      let table = try vectors(written)
      #expect(table.count == 10 && table["cat"]?.count == 4)
      func unit(_ word: String) throws -> [Double] {
        let vector = try #require(table[word])
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return vector.map { $0 / length }
      }
      let (cat, bird, dog) = (try unit("cat"), try unit("bird"), try unit("dog"))
      let query = (0..<4).map { cat[$0] + bird[$0] - dog[$0] }
      let length = query.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let nearest = try table.keys.filter { !["cat", "bird", "dog"].contains($0) }
        .map { word in (word, zipped(try unit(word), query).reduce(0) { $0 + $1.0 * $1.1 } / length)
        }
        .sorted { $0.1 > $1.1 }
      let lines = outcome.output.split(separator: "\n").map { $0.split(separator: " ") }
      #expect(lines.count == 3 && lines[0] == ["cat"])
      for (line, wanted) in zipped(lines.dropFirst(), nearest.prefix(2)) {
        #expect(line.first.map(String.init) == wanted.0)
        #expect(abs(try #require(Double(line[1])) - wanted.1) < 1e-3)
      }
      try refuse(["neighbors", trained], code: 64, "name a word")
      try refuse(["neighbors", trained, "zebra"], code: 64, "\"zebra\"", "vocabulary")

      let packed = folder + "/vectors.safetensors"
      _ = try succeed([
        "data", "pack", "vectors", written, "--like", data, "--name", "input.weight", "-o", packed,
      ])
      let file = try SafetensorsFile(path: packed)
      let newest = try SafetensorsFile(path: trained + "/checkpoints/step-00000004.safetensors")
      let (read, own) = (try file.doubles("input.weight"), try newest.doubles("input.weight"))
      // Two tokens are no words and have vectors of their own.
      #expect(read.count == 12 * 4)
      #expect(zipped(read, own).dropFirst(8).allSatisfy { abs($0 - $1) < 1e-6 })
      try refuse(
        ["data", "pack", "vectors", folder + "/text.txt", "--like", data, "-o", packed], code: 65,
        "text.txt")
    }
  }

  @Test func aTranslationShowsWhatItLooksAt() throws {
    try TemporaryFolder.with { folder in
      for (name, text) in [
        ("source", "a b c\nc a\nb b a c\n"), ("target", "c b a\na c\nc a b b\n"),
      ] {
        try File.replace(folder + "/pairs.\(name)") { try $0.write(text) }
      }
      _ = try succeed([
        "data", "pack", "parallel", folder + "/pairs.source", folder + "/pairs.target",
        "--vocabulary", "9", "-o", folder + "/pairs",
      ])
      try File.replace(folder + "/job.yaml") {
        try $0.write(
          """
          data: {train: \(folder)/pairs/pairs.safetensors}
          model: {name: seq2seq, width: 8, copy: true, beam: 1}
          batch_size: 3
          steps: 2
          """)
      }
      let trained = folder + "/run"
      _ = try succeed(["train", folder + "/job.yaml", "--ranks", "1", "--out", trained])
      let picture = folder + "/map.svg"
      let outcome = try succeed([
        "predict", trained, folder + "/pairs.source", "--attention", picture,
      ])
      #expect(outcome.output.filter { $0 == "\n" }.count == 3)
      let svg = try String(contentsOfFile: picture, encoding: .utf8)
      // Cells of a row are its weights, which add up to 1; a column has a name that is turned.
      let weights = svg.split(separator: "\n").compactMap { line in
        line.range(of: "<title>").flatMap { start in
          line.range(of: "</title>").flatMap { Double(line[start.upperBound..<$0.lowerBound]) }
        }
      }
      let columns = svg.components(separatedBy: "rotate(").count - 1
      // Three letters and an end at least.
      #expect(columns >= 4 && !weights.isEmpty && weights.count % max(columns, 1) == 0)
      for row in stride(from: 0, to: weights.count, by: max(columns, 1)) {
        let sum = weights[row..<min(row + columns, weights.count)].reduce(0, +)
        #expect(abs(sum - 1) < 1e-2)
      }
      try refuse(
        ["train", folder + "/job.yaml", "--set", "model.attention=none", "--out", folder + "/no"],
        code: 64, "copy", "attention")
    }
  }
}
