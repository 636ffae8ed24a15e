import DLCore
import DLFormats
import DLTensor
import DLTestSupport
import Testing

/// Every op against PyTorch, forward and gradients, in both precisions
/// (scripts/golden/make_ops.py).
@Suite struct GoldenOpTests {
  /// The families of ops with the number of cases that each has at least.
  static let families: [(name: String, cases: Int)] = [
    ("matmul", 12), ("conv2d", 23), ("convolution", 52), ("sampling", 133), ("pooling", 45),
    ("normalization", 39), ("activation", 51),
    ("shape", 12), ("arithmetic", 44), ("reduction", 30), ("loss", 13), ("criterion", 50),
    ("recurrent", 36), ("ctc", 22), ("structure", 127), ("penalty", 6),
    ("embedding", 27), ("attention", 39), ("pointwise", 253),
  ]

  @Test(arguments: families, [DType.float64, .float32])
  func family(_ family: (name: String, cases: Int), dtype: DType) throws {
    let cases = try Golden.cases(family.name)
    #expect(cases.count >= family.cases)
    for golden in cases { try check(golden, dtype, run: golden.runner()) }
  }

  /// A file that no test reads would show nothing: each is of a family, is put together from the
  /// name of a job or a kind of weights, or stands in a test's source.
  @Test func everyFileIsRead() throws {
    var known = Set(GoldenOpTests.families.map(\.name))
    for job in TrajectoryTests.jobs {
      known.formUnion(["data", "init", "losses", "final"].map { "\(job)-\($0)" })
    }
    known.formUnion(
      [  // SavedWeightsTests, HubWeightsTests
        "all-bf16", "averaged", "bf16", "compiled", "ddp", "ddp-compiled", "f16", "f32", "f64",
        "lightning", "lightning-compiled", "optimizer", "other-head", "tied", "hub-gpt2",
        "hub-bert",
      ].map { "weights-\($0)" })
    known.formUnion(["analysis-kinked", "pytorch-00001-of-00002", "pytorch-00002-of-00002"])
    let tests = "\(Golden.folder)/../.."
    let sources = try File.list(tests).flatMap { target in
      try File.list("\(tests)/\(target)").filter { $0.hasSuffix(".swift") }.map {
        "\(tests)/\(target)/\($0)"
      }
    }.filter { !$0.hasSuffix("/GoldenOpTests.swift") }.map {
      String(decoding: try File.contents(of: $0), as: UTF8.self)
    }
    #expect(sources.count > 200)
    let found = Set(
      try File.list(Golden.folder).filter { $0.hasSuffix(".safetensors") }.map {
        String($0.dropLast(".safetensors".count))
      })
    #expect(known.subtracting(found) == [])
    for name in found.subtracting(known) {
      #expect(sources.contains { $0.contains("\"\(name)\"") }, "no test reads \(name)")
    }
  }
}
