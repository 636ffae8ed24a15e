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

  /// A file that no test reads would show nothing.
  @Test func everyFileIsRead() throws {
    let jobs = TrajectoryTests.jobs
    var known = Set(
      GoldenOpTests.families.map(\.name)
        + [
          "cache", "chain", "dropout", "graph", "initializers", "inspect", "network", "residual",
          "second", "bfloat16",
          "course", "course_chains", "course_text", "fitted", "pytorch", "pytorch-00001-of-00002",
          "pytorch-00002-of-00002", "zoo",
          "squeeze", "state_dict", "tied", "transformer",
        ])
    known.formUnion([  // DLOptimizersTests
      "optimizers", "clipping", "schedules", "averages", "groups", "lbfgs", "matrices", "plateau",
      "sam", "averaging_schedules", "adafactor",
    ])
    known.insert("weights")  // SavedWeightsTests
    known.formUnion(["hub", "weights-hub-gpt2", "weights-hub-bert"])  // HubWeightsTests
    known.formUnion(
      [
        "all-bf16", "averaged", "bf16", "compiled", "ddp", "ddp-compiled", "f16", "f32", "f64",
        "lightning", "lightning-compiled", "optimizer", "other-head", "tied",
      ].map { "weights-\($0)" })
    for job in jobs {
      known.formUnion(["data", "init", "losses", "final"].map { "\(job)-\($0)" })
    }
    known.formUnion(["analysis-smooth", "analysis-kinked", "attacks", "detection", "padded"])
    let found = try File.list(Golden.folder).filter { $0.hasSuffix(".safetensors") }
      .map { String($0.dropLast(".safetensors".count)) }
    #expect(Set(found) == known)
  }
}
