import DLCore
import DLFormats
import Foundation
import Testing

/// docs/operations.md says what the checklist says, and the checklist's evidence exists.
@Suite struct ChecklistTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  /// Files of cases beside `GoldenOpTests.families`, and the tests that run them.
  private static let others = [
    ("residual", "GoldenTests/GoldenLayerTests.residual"),
    ("squeeze", "GoldenTests/GoldenSqueezeExcitationTests.squeezeExcitation"),
    ("graph", "GoldenTests/GoldenGraphTests.sparseProducts"),
    ("graph", "GoldenTests/GoldenGraphTests.layers"),
    ("transformer", "GoldenTests/GoldenAttentionLayerTests.transformers"),
    ("padded", "GoldenTests/GoldenPaddedTests.paddingHasNoPart"),
    ("cache", "GoldenTests/GoldenCacheTests.piecesAreTheFullPass"),
    ("chain", "GoldenTests/GoldenChainTests.chains"),
    ("network", "GoldenTests/GoldenChainTests.networks"),
    ("dropout", "GoldenTests/GoldenDropoutTests.parts"),
    ("dropout", "GoldenTests/GoldenDropoutTests.betweenRecurrentLayers"),
    ("initializers", "GoldenTests/GoldenInitializerTests.rules"),
    ("initializers", "GoldenTests/GoldenInitializerTests.defaults"),
    ("initializers", "GoldenTests/GoldenInitializerTests.zerosForTheLastNormOfABlock"),
    ("inspect", "GoldenTests/GoldenInspectTests.countsArePyTorchs"),
    ("second", "GoldenTests/GoldenSecondTests.secondDerivatives"),
    ("zoo", "GoldenTests/GoldenZooTests.logitsAreTheirs"),
    ("optimizers", "DLOptimizersTests/GoldenOptimizerTests.updateRules"),
    ("clipping", "DLOptimizersTests/GoldenOptimizerTests.clipping"),
    ("schedules", "DLOptimizersTests/GoldenOptimizerTests.schedules"),
    ("averages", "DLOptimizersTests/GoldenTrainingTests.averages"),
    ("averaging_schedules", "DLOptimizersTests/GoldenTrainingTests.averagingSchedules"),
    ("groups", "DLOptimizersTests/GoldenTrainingTests.groups"),
    ("matrices", "DLOptimizersTests/MatrixTests.muonIsPyTorchs"),
    ("adafactor", "DLOptimizersTests/AdafactorTests.adafactor"),
    ("lbfgs", "DLOptimizersTests/GoldenTrainingTests.lbfgs"),
    ("plateau", "DLOptimizersTests/GoldenTrainingTests.plateau"),
    ("sam", "DLOptimizersTests/GoldenTrainingTests.sharpnessAwareness"),
  ]

  /// The source of `FOLDER/FILE.function`, and what stands before the function.
  private func source(_ test: String) throws -> (file: String, before: Substring)? {
    let parts = test.split(separator: ".").map(String.init)
    let bytes = try File.contents(of: "\(Self.root)/Tests/\(parts[0]).swift")
    let file = String(decoding: bytes, as: UTF8.self)
    guard let place = file.range(of: "func \(parts[1])(") else { return nil }
    return (file, file[..<place.lowerBound])
  }

  @Test func everyItemHasItsTests() throws {
    let families = Set(GoldenOpTests.families.map(\.name) + Self.others.map(\.0))
    let cases = try Dictionary(
      uniqueKeysWithValues: families.map { ($0, try Golden.cases($0)) })
    for (title, items) in Checklist.sections {
      for item in items {
        #expect(
          item.golden.isEmpty == (item.exemption != nil),
          "\(title): \(item.name) needs golden cases, or a reason why it can have none")
        for golden in item.golden {
          let parts = golden.split(separator: "/").map(String.init)
          let found = cases[parts[0]]?.contains {
            ($0.op == parts[1] || $0.name.hasPrefix(parts[1])) && !$0.flag("only64")
          }
          #expect(
            found == true, "\(title): \(item.name): no golden case \(golden) in both precisions")
        }
        for test in item.tests {
          #expect(try source(test) != nil, "\(title): \(item.name): no test \(test)")
        }
      }
    }
  }

  /// Whatever reads a file of cases runs it in float64 and in float32.
  @Test func everyFamilyRunsInBothPrecisions() throws {
    let both = "[DType.float64, .float32])"
    let ops = try #require(try source("GoldenTests/GoldenOpTests.family"))
    #expect(ops.before.split(separator: "\n").suffix(2).joined().contains(both))
    for (family, test) in Self.others {
      let found = try #require(try source(test), "no test \(test)")
      #expect(found.before.split(separator: "\n").suffix(2).joined().contains(both), "\(test)")
      #expect(
        found.file.contains("\"\(family)\"") || found.file.contains("Golden.\(family)()"),
        "\(test) does not read \(family)")
    }
  }

  /// With `DLTRAIN_WRITE_DOCS` set, the page is written anew.
  @Test func thePageIsTheTable() throws {
    let path = "\(Self.root)/docs/operations.md"
    let page = try page()
    if ProcessInfo.processInfo.environment["DLTRAIN_WRITE_DOCS"] != nil {
      try page.write(toFile: path, atomically: true, encoding: .utf8)
    }
    let written = String(decoding: try File.contents(of: path), as: UTF8.self)
    #expect(
      written == page,
      "run DLTRAIN_WRITE_DOCS=1 swift test --filter ChecklistTests to write docs/operations.md anew"
    )
  }

  private func page() throws -> String {
    let twice = try Golden.cases("second")
    var lines = [
      "# Operations", "",
      "What there is, under our name (and the word in `model.layers` or `loss`), PyTorch's, and what shows that",
      "it is right: golden cases as `family/op` under `Tests/GoldenTests/Golden`, compared with PyTorch",
      "(values, and gradients where there are any) in float64 and float32, and further tests. A dot in the",
      "last column marks ops whose gradients can be differentiated again, as compared with PyTorch's double",
      "backward. This page is written from `Tests/GoldenTests/Checklist.swift`; its test fails where an item",
      "has no golden case in both precisions.",
    ]
    for (title, items) in Checklist.sections {
      lines += [
        "", "## \(title)", "", "| | here | PyTorch | tests | twice |", "|---|---|---|---|---|",
      ]
      lines += items.map { item in
        let names = (item.golden + item.tests).map { "`\($0)`" }.joined(separator: ", ")
        let evidence = item.exemption.map { "\($0): \(names)" } ?? names
        let ops = item.golden.compactMap { $0.split(separator: "/").last.map(String.init) }
        let isTwice = ops.contains { op in
          twice.contains { $0.op == op || $0.name.hasPrefix(op) }
        }
        let mark = isTwice ? "•" : ""
        return "| \(item.name) | \(item.ours) | \(item.pyTorch) | \(evidence) | \(mark) |"
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
