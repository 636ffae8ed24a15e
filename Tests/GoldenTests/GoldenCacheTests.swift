import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// Generation through a key-value cache against PyTorch's full causal pass
/// (scripts/golden/make_cache.py).
@Suite struct GoldenCacheTests {
  @Test(arguments: [DType.float64, .float32])
  func piecesAreTheFullPass(dtype: DType) throws {
    Engine.current.select()
    let cases = try Golden.cases("cache")
    #expect(cases.count >= 12)
    for golden in cases {
      let context = Context(precision: dtype)
      let (module, run) = try golden.generator(context)
      let arena = try ParameterArena(module, context: context)
      for parameter in arena.parameters {
        try parameter.value.assign(golden.values("in/\(parameter.name)"))
      }
      let x = try golden.input("x", context)
      let want = try Tensor.values(
        golden.values("f64/out/y"), shape: x.shape, dtype: .float64, context: context)
      var start = 0
      for length in try golden.integers("prefixes") {
        let range = start..<start + length
        let y = try run(x.positions(range))
        Tolerance(dtype).check(y.doubles, try want.positions(range).doubles, "\(golden): \(range)")
        start += length
      }
      #expect(start == x.shape[1])
    }
  }
}

extension Tensor {
  /// Positions `range` of every text.
  fileprivate func positions(_ range: Range<Int>) throws -> Tensor {
    try permute(1, 0, 2).rows(range).permute(1, 0, 2)
  }
}

extension GoldenCase {
  /// The module of a case, and what takes the next positions of its texts.
  fileprivate func generator(_ context: Context) throws -> (Module, (Tensor) throws -> Tensor) {
    let size = try shape("in/x").last
    let layers = options["layers"]?.int ?? 0
    switch op {
    case "mha":
      let style = options["rotary"]?.string.flatMap(RotaryStyle.init(rawValue:))
      let layer = MultiHeadAttention(
        features: size, heads: count("heads"), bias: flag("bias"), isCausal: true,
        window: options["window"]?.int, rotary: RotaryPositions(style ?? .none))
      let cache = KeyValueCache()
      return (layer, { try layer($0, mask: AttentionMask(), cache: cache) })
    case "encoder":
      var causal = try transformerOptions()
      causal.scope.causal = true
      let stack = TransformerEncoder(layers: layers, features: size, causal)
      let cache = TransformerCache(layers: layers)
      return (stack, { try stack($0, mask: AttentionMask(), cache: cache) })
    case "decoder":
      let stack = TransformerDecoder(layers: layers, features: size, try transformerOptions())
      let cache = TransformerCache(layers: layers)
      let memory = try input("memory", context)
      let mask = AttentionMask(lengths: try input("memory_lengths", context))
      return (stack, { try stack($0, memory: memory, memoryMask: mask, cache: cache) })
    default: throw MissingGolden("\(name): op \(op) has no cache")
    }
  }
}
