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
      try refuse(["cora", folder, "-o", folder + "/graph"], code: 74, "nodes.tsv")
      #expect(!File.exists(folder + "/out"))
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

  @Test(arguments: ["mnist", "images", "text", "parallel", "cora"])
  func helpShowsAnExample(_ kind: String) throws {
    let outcome = try run(["pack", kind, "--help"])
    #expect(outcome.output.contains("Example: dltrain data pack \(kind) "), "\(outcome.output)")
  }
}
