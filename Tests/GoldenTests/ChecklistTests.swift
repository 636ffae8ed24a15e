import DLFormats
import Foundation
import Testing

/// docs/operations.md says what the checklist says, and the checklist's evidence exists.
@Suite struct ChecklistTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  /// Files of cases that a test runs in both precisions beside `GoldenOpTests.families`.
  private static let others = [
    "residual", "graph", "transformer", "second", "optimizers", "clipping", "schedules", "averages",
    "averaging_schedules", "groups", "lbfgs", "plateau", "sam",
  ]

  @Test func everyItemHasItsTests() throws {
    let families = GoldenOpTests.families.map(\.name) + Self.others
    let cases = try Dictionary(
      uniqueKeysWithValues: families.map { ($0, try Golden.cases($0)) })
    for (title, items) in Checklist.sections {
      for item in items {
        #expect(item.golden.count + item.tests.count > 0, "\(title): \(item.name) has no test")
        for golden in item.golden {
          let parts = golden.split(separator: "/").map(String.init)
          let found = cases[parts[0]]?.contains { $0.op == parts[1] || $0.name.hasPrefix(parts[1]) }
          #expect(found == true, "\(title): \(item.name): no golden case \(golden)")
        }
        for test in item.tests {
          let parts = test.split(separator: ".").map(String.init)
          let source = try File.contents(of: "\(Self.root)/Tests/\(parts[0]).swift")
          #expect(
            String(decoding: source, as: UTF8.self).contains("func \(parts[1])("),
            "\(title): \(item.name): no test \(test)")
        }
      }
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
      "forward and backward in float64 and float32, or tests. A dot in the last column marks ops whose gradients",
      "can be differentiated again, as compared with PyTorch's double backward. This page is written",
      "from `Tests/GoldenTests/Checklist.swift`.",
    ]
    for (title, items) in Checklist.sections {
      lines += [
        "", "## \(title)", "", "| | here | PyTorch | tests | twice |", "|---|---|---|---|---|",
      ]
      lines += items.map { item in
        let evidence = (item.golden + item.tests).map { "`\($0)`" }.joined(separator: ", ")
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
