import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// Layers over rows that are filled up against PyTorch on the rows without their padding
/// (scripts/golden/make_padded.py).
@Suite struct GoldenPaddedTests {
  @Test(arguments: [DType.float64, .float32])
  func paddingHasNoPart(dtype: DType) throws {
    let tolerance = Tolerance(dtype)
    var words: Set<String> = []
    for golden in try Golden.cases("padded") {
      words.insert(golden.op)
      let context = Context(precision: dtype)
      context.isTraining = true
      let norm = BatchNorm(features: 3)
      let layer: any Layer =
        switch golden.op {
        case "batch_norm": norm
        case "adaptive_avg_pool1d": AdaptiveAvgPool1d(outputSize: golden.count("output_size"))
        default: AdaptiveMaxPool1d(outputSize: golden.count("output_size"))
        }
      let arena = try ParameterArena(Sequential(layer), context: context)
      if golden.op == "batch_norm" {
        for (parameter, name) in [(norm.weight, "weight"), (norm.bias, "bias")] {
          try parameter?.value.assign(golden.values("in/\(name)"))
        }
        try norm.runningMean.value.assign(golden.values("in/running_mean"))
        try norm.runningVar.value.assign(golden.values("in/running_var"))
      }
      arena.resetGradients()
      let x = try golden.input("x", context).requiringGradient()
      x.lengths = try golden.input("lengths", context)
      let y = try context.recording { try layer(x) }
      try context.backward(from: y, gradient: golden.input("grad_output", context))
      tolerance.check(y.doubles, try golden.values("f64/out/y"), "\(golden): y")
      tolerance.check(
        try #require(x.gradient).doubles, try golden.values("f64/grad/x"), "\(golden): dx")
      #expect((y.lengths == nil) == (golden.op != "batch_norm"))
      guard golden.op == "batch_norm" else { continue }
      for (tensor, name) in [
        (try norm.weight?.value.gradient, "grad/weight"),
        (try norm.bias?.value.gradient, "grad/bias"),
        (try norm.runningMean.value, "out/running_mean"),
        (try norm.runningVar.value, "out/running_var"),
      ] {
        tolerance.check(
          try #require(tensor).doubles, try golden.values("f64/\(name)"), "\(golden): \(name)")
      }
    }
    #expect(words == ["batch_norm", "adaptive_avg_pool1d", "adaptive_max_pool1d"])
  }
}
