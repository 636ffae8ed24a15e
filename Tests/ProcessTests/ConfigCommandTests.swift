import DLCore
import DLModels
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// `dltrain config`: the page of all keys, their schema, and configurations as resolved.
@Suite struct ConfigCommandTests {
  @Test func thePageOfKeysIsTheProgramsOwn() throws {
    let outcome = try Program.run(["config", "--reference"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let path = Program.repository + "/docs/configuration.md"
    let page = try String(contentsOfFile: path, encoding: .utf8)
    #expect(
      outcome.output == page,
      "run dltrain config --reference > docs/configuration.md to write the page anew")
  }

  @Test func thePageNamesEveryModel() throws {
    let outcome = try Program.run(["config", "--reference"])
    let lines = outcome.output.split(separator: "\n")
    let start = try #require(lines.firstIndex(of: "## `model`"))
    let section = lines[(start + 1)...].prefix { !$0.hasPrefix("#") }
    let names = section.filter { $0.hasPrefix("| `") }.compactMap {
      $0.dropFirst(3).split(separator: "`").first.map { String($0) }
    }
    #expect(names == ModelRegistry.builtIn.map { $0.name })
    #expect(section.contains { $0.hasPrefix("| `gpt` | layers: integer, ") })
  }

  @Test func theSchemaNamesEveryKeyOfTheFile() throws {
    let outcome = try Program.run(["config", "--schema"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let schema = try JSON(parsing: outcome.output)
    guard case .object(let properties)? = schema["properties"] else {
      Issue.record("the schema has no properties")
      return
    }
    func keys(_ overrides: String...) throws -> Set<String> {
      let set = overrides.flatMap { ["--set", $0] }
      let resolved = try Program.run(["config", "digits"] + set).output
      return Set(
        resolved.split(separator: "\n").compactMap { line in
          line.hasPrefix(" ") ? nil : line.split(separator: ":").first.map(String.init)
        })
    }
    // Some are written only where they are used.
    let (written, unwritten) = (try keys(), Configuration.unwrittenDefaults)
    #expect(written.count > 20 && written.isDisjoint(with: unwritten))
    #expect(Set(properties.map(\.key)) == written.union(unwritten))
    #expect(try keys("engine=blas", "init.strict=false").isSuperset(of: ["engine", "init"]))
  }

  @Test func aResolvedConfigurationIsItsOwn() throws {
    try TemporaryFolder.with { folder in
      let first = try Program.run(["config", "digits", "--set", "optimizer.name=adamw"])
      #expect(first.status == 0, "\(first.errors)")
      let path = folder + "/resolved.yaml"
      try first.output.write(toFile: path, atomically: true, encoding: .utf8)
      let second = try Program.run(["config", path])
      #expect(second.output == first.output)
    }
  }

  @Test(arguments: [["--reference", "--schema"], ["digits", "--schema"], ["missing.yaml"]])
  func wrongUsageIsOneLine(arguments: [String]) throws {
    let outcome = try Program.run(["config"] + arguments)
    #expect(outcome.status == 64)
    #expect(outcome.faults.count == 1, "\(outcome.errors)")
  }
}
