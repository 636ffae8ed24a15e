import DLCore
import DLFormats
import DLTestSupport
import Foundation
import Testing

/// `dltrain data pack` through the real program: what it prints, and one line for bad input.
@Suite(.serialized)
struct PackCommandTests {
  private let fixtures = Program.repository + "/Tests/DLFormatsTests/Golden/images"

  private func run(_ arguments: [String]) throws -> Outcome {
    try Program.run(["data"] + arguments, processes: nil)
  }

  private func refuse(_ arguments: [String], code: Int32, _ words: String...) throws {
    let outcome = try run(["pack"] + arguments)
    #expect(outcome.status == code, "\(outcome.errors)")
    #expect(outcome.faults.count == 1, "\(outcome.errors)")
    for word in words { #expect(outcome.errors.contains(word), "\(word) in: \(outcome.errors)") }
  }

  @Test func packsAndDescribes() throws {
    try TemporaryFolder.with { folder in
      let outcome = try run(["pack", "images", "\(fixtures)/pax.tar.gz", "-o", folder + "/images"])
      #expect(outcome.status == 0, "\(outcome.errors)")
      // Plain lines where nobody watches: no carriage return, no escape.
      let lines = [("train", 2), ("test", 1)].map { name, count in
        "\(folder)/images/\(name).safetensors: x [\(count), 13, 17, 3]\n"
      }
      #expect(outcome.output == lines.joined())
      let report = try run(["describe", folder + "/images/train.safetensors"])
      #expect(report.output.contains("cat") && report.output.contains("[13, 17, 3]"))
    }
  }

  @Test func badSourcesAreOneLine() throws {
    try TemporaryFolder.with { folder in
      let output = ["-o", folder + "/out"]
      try refuse(["images", folder + "/none"] + output, code: 74, "none")
      try refuse(["images", folder] + output, code: 65, "holds no .jpg")
      try refuse(["images", "\(fixtures)/420.jpg"] + output, code: 65, "420.jpg")
      try refuse(
        ["images", "\(fixtures)/pax.tar.gz", "--size", "3x"] + output, code: 64, "--size")
      try refuse(["text", "\(fixtures)/420.jpg"] + output, code: 65, "not UTF-8")
      try refuse(["parallel", "one"] + output, code: 64, "no pairs")
      try "".write(toFile: folder + "/none.de", atomically: true, encoding: .utf8)
      try refuse(
        ["parallel", folder + "/none.de", folder + "/none.de"] + output, code: 65, "is empty")
      try refuse(["cora", folder, "-o", folder + "/graph"], code: 74, "nodes.tsv")
      #expect(!File.exists(folder + "/out"))
    }
  }

  @Test func strewsAndTakesParts() throws {
    try TemporaryFolder.with { folder in
      let digits = "embedded:digits-validation"
      let strewn = try run(
        [
          "pack", "strewn", digits, digits, "-o", folder + "/s", "--canvas", "30x40", "--rows",
          "5,3",
        ])
      #expect(strewn.status == 0, "\(strewn.errors)")
      #expect(
        strewn.output
          == "\(folder)/s/train.safetensors: x [5, 30, 40, 1]\n"
          + "\(folder)/s/validation.safetensors: x [3, 30, 40, 1]\n")
      let few = folder + "/few.safetensors"
      let subset = try run(
        ["pack", "subset", digits, "--classes", "4,7", "--per-class", "6", "-o", few])
      #expect(subset.output == "\(few): x [12, 8, 8, 1]\n", "\(subset.errors)")
      let output = ["-o", folder + "/out.safetensors"]
      try refuse(["strewn", digits, "--scale", "2-1"] + output, code: 64, "--scale")
      try refuse(["strewn", digits, "--objects", "1.5"] + output, code: 64, "whole numbers")
      try refuse(["strewn", digits, "--scale", "9"] + output, code: 64, "a larger --canvas")
      try refuse(["strewn", folder + "/s/train.safetensors"] + output, code: 65, "not a class")
      try refuse(["subset", digits, "--classes", "x"] + output, code: 65, "the class \"x\"")
      #expect(!File.exists(folder + "/out.safetensors"))
    }
  }

  @Test func filesOfOtherKindsAreNamed() throws {
    try TemporaryFolder.with { folder in
      let table = folder + "/table.csv"
      try File.replace(table) { try $0.write("label,a,b\n0,1.5,2\n1,2.5,3\n") }
      for arguments in [["describe", table], ["pack", "images", table, "-o", folder + "/out"]] {
        let outcome = try run(arguments)
        #expect(outcome.status == 65 && outcome.faults.count == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains("table.csv: is text, perhaps CSV, not a "))
      }
      let job = try Job.write(to: folder)
      let outcome = try Program.run(
        ["train", job, "--set", "data.train=\(table)", "--out", folder + "/run"], processes: 2)
      #expect(outcome.status == 65 && outcome.faults.count == 1, "\(outcome.errors)")
      #expect(outcome.errors.contains("is text, perhaps CSV, not a safetensors file"))
    }
  }

  /// Tables, sentences, tagged sentences and sounds.
  @Test func packsTheOthers() throws {
    try TemporaryFolder.with { folder in
      func put(_ name: String, _ text: String) throws -> String {
        try File.replace("\(folder)/\(name)") { try $0.write(text) }
        return "\(folder)/\(name)"
      }
      func pack(_ arguments: String...) throws -> String {
        let outcome = try run(["pack"] + arguments)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome.output.replacing(folder, with: "")
      }
      let table = try put("table.csv", "id,a,b\n1,2,x\n2,3,y\n")
      #expect(
        try pack(
          "csv", table, "-o", folder + "/c", "--drop", "id", "--label", "-1", "--split", "0.5")
          == "label: b; 1 number a row\n/c/train.safetensors: x [1, 1]\n"
          + "/c/validation.safetensors: x [1, 1]\n")
      try refuse(["csv", table, "-o", folder + "/d", "--label", "z"], code: 64, "no column")
      try refuse(
        ["csv", table, "-o", folder + "/d", "--categorical", "a,"], code: 64, "categorical")
      let (no, yes) = (try put("no.txt", "a b\nb c\n"), try put("yes.txt", "b d\n"))
      #expect(
        try pack("sentences", no, yes, "-o", folder + "/s.safetensors", "--split", "1")
          == "4 words, 2 classes\n/s.safetensors: x [3, 2]\n")
      let report = try run(["describe", folder + "/s.safetensors"])
      #expect(report.output.contains("first x     a b"), "\(report.output)")
      let tagged = try put("t.conllu", "1\tgo\t_\tVERB\t_\t_\t0\troot\t_\t_\n")
      #expect(
        try pack("conllu", tagged, "--validation", tagged, "-o", folder + "/t")
          == "1 word, 1 tag\n/t/train.safetensors: x [1, 1]\n/t/validation.safetensors: x [1, 1]\n")
      let tags = try run(["describe", folder + "/t/train.safetensors"])
      #expect(tags.output.contains("VERB"), "\(tags.output)")
      let sounds = Program.repository + "/Tests/DLFormatsTests/Golden"
      #expect(
        try pack(
          "audio", sounds, "--label", "{class}", "--split", "1", "-o", folder + "/a", "--mels", "8"
        ).hasSuffix("/a/train.safetensors: x [6, 1, 8]\n"))
      try refuse(["audio", folder, "-o", folder + "/b"], code: 65, "holds no .wav")
    }
  }

  @Test(arguments: [
    "mnist", "images", "text", "parallel", "cora", "csv", "sentences", "conllu", "audio",
  ])
  func helpShowsAnExample(_ kind: String) throws {
    let outcome = try run(["pack", kind, "--help"])
    #expect(outcome.output.contains("Example: dltrain data pack \(kind) "), "\(outcome.output)")
  }
}
