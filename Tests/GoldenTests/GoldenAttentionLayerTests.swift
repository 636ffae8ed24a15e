import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// The modules of attention and embedding against PyTorch, in both precisions
/// (scripts/golden/make_attention.py).
@Suite struct GoldenAttentionLayerTests {
  @Test(arguments: [DType.float64, .float32])
  func transformers(dtype: DType) throws {
    Engine.current.select()
    let tolerance = Tolerance(dtype)
    let cases = try Golden.cases("transformer")
    #expect(cases.count >= 34)
    for golden in cases {
      let context = Context(precision: dtype)
      let texts = ["x", "key", "value", "memory", "lengths", "memory_lengths"]
      let differentiated = golden.names("f64/grad")
      var inputs: [String: Tensor] = [:]
      for name in golden.names("in") where texts.contains(name) {
        inputs[name] = try golden.input(name, context)
        if differentiated.contains(name) { inputs[name]?.requiringGradient() }
      }
      let network = try Network(golden, inputs)
      let arena = try ParameterArena(network.module, context: context)
      #expect(
        Set(arena.parameters.map(\.name)) == Set(differentiated).subtracting(texts), "\(golden)")
      for parameter in arena.parameters {
        #expect(try parameter.fileShape == golden.shape("in/\(parameter.name)"), "\(golden)")
        try parameter.value.assign(golden.values("in/\(parameter.name)"))
      }
      context.isTraining = true
      let y = try context.recording { try network.forward(inputs) }
      tolerance.check(y.doubles, try golden.values("f64/out/y"), "\(golden): y")
      try context.backward(from: y, gradient: golden.input("grad_output", context))
      for name in differentiated {
        let parameter = try arena.parameters.first { $0.name == name }?.value
        let gradient = try #require((parameter ?? inputs[name])?.gradient, "\(golden): \(name)")
        tolerance.check(
          gradient.doubles, try golden.values("f64/grad/\(name)"), "\(golden): \(name)")
      }
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func embeddings(dtype: DType) throws {
    let tolerance = Tolerance(dtype)
    for golden in try Golden.cases("embedding") where golden.op != "embedding_sparse" {
      let context = Context(precision: dtype)
      context.isTraining = true
      let weight = try golden.shape("in/weight")
      let padding = golden.options["padding_idx"]?.int
      let indices = try golden.input("indices", context)
      let module: Module
      let parameter: Parameter
      let forward: () throws -> Tensor
      if golden.op == "embedding" {
        let layer = Embedding(
          count: weight[0], features: weight[1], paddingIndex: padding.map { $0 - weight[0] },
          maxNorm: golden.options["max_norm"]?.double,
          normType: golden.options["norm_type"]?.double ?? 2)
        (module, parameter) = (layer, layer.weight)
        forward = { try layer(indices) }
      } else {
        let mode = try #require(
          golden.options["mode"]?.string.flatMap(EmbeddingBagMode.init(rawValue:)))
        let layer = EmbeddingBag(
          count: weight[0], features: weight[1], mode: mode, paddingIndex: padding)
        let names = golden.names("in")
        let offsets = names.contains("offsets") ? try golden.input("offsets", context) : nil
        let samples =
          names.contains("sample_weights") ? try golden.input("sample_weights", context) : nil
        (module, parameter) = (layer, layer.weight)
        forward = { try layer(indices, offsets: offsets, sampleWeights: samples) }
      }
      let arena = try ParameterArena(module, context: context)
      try parameter.value.assign(golden.values("in/weight"))
      let y = try context.recording(forward)
      tolerance.check(y.doubles, try golden.values("f64/out/y"), "\(golden): y")
      if golden.names("f64/out").contains("renormalized") {
        tolerance.check(
          try parameter.value.doubles, try golden.values("f64/out/renormalized"), "\(golden)")
      }
      // What the last step left in the gradient's memory must not show.
      try parameter.value.gradient?.assign([Double](repeating: .nan, count: weight.count))
      arena.resetGradients()
      try context.backward(from: y, gradient: golden.input("grad_output", context))
      tolerance.check(
        try #require(parameter.value.gradient).doubles, try golden.values("f64/grad/weight"),
        "\(golden): gradient")
    }
  }

  /// The gradient is added to the rows in use; no other is touched once the memory holds numbers.
  @Test(arguments: [DType.float64, .float32])
  func sparseGradients(dtype: DType) throws {
    let tolerance = Tolerance(dtype)
    let cases = try Golden.cases("embedding").filter { $0.op == "embedding_sparse" }
    #expect(cases.count >= 4)
    for golden in cases {
      let context = Context(precision: dtype)
      let shape = try golden.shape("in/weight")
      let layer = Embedding(
        count: shape[0], features: shape[1], paddingIndex: golden.options["padding_idx"]?.int)
      let arena = try ParameterArena(layer, context: context)
      let table = try layer.weight.value
      table.assign(try golden.values("in/weight"))
      var inputs = ["weight": table]
      for name in golden.names("in") where name.hasPrefix("indices") {
        inputs[name] = try golden.input(name, context)
      }
      let rows = Set(try golden.values("in/rows").map { Int($0) })
      let want = try golden.values("f64/grad/weight")
      arena.resetGradients()
      for pass in [1.0, 2.0] {
        let y = try context.recording {
          try golden.looked(inputs) { indices, _ in try layer(indices) }
        }
        try context.backward(from: y, gradient: golden.input("grad_output", context))
        let gradient = try #require(table.gradient)
        var values = gradient.doubles
        for row in 0..<shape[0] {
          let range = row * shape[1]..<(row + 1) * shape[1]
          if rows.contains(row) {
            tolerance.check(
              Array(values[range]), want[range].map { $0 * pass }, "\(golden): row \(row)")
          } else {
            #expect(
              values[range].allSatisfy { pass == 1 ? $0 == 0 : $0.isNaN }, "\(golden): row \(row)")
            for index in range { values[index] = .nan }
          }
        }
        gradient.assign(values)
      }
    }
  }
}

/// The module that a case of the family describes, and how it is called.
private struct Network {
  let module: Module
  let forward: ([String: Tensor]) throws -> Tensor

  init(_ golden: GoldenCase, _ inputs: [String: Tensor]) throws {
    let size = try inputs.get("x").shape.last
    let mask = AttentionMask(lengths: inputs["lengths"])
    let layers = golden.options["layers"]?.int ?? 0
    switch golden.op {
    case "mha":
      let (key, value) = (golden.options["key"]?.int, golden.options["value"]?.int)
      let style = golden.options["rotary"]?.string.flatMap(RotaryStyle.init(rawValue:))
      let layer = MultiHeadAttention(
        features: size, heads: Int(try golden.number("heads")), keySize: key, valueSize: value,
        bias: golden.flag("bias"), isCausal: golden.flag("causal"),
        window: golden.options["window"]?.int, rotary: RotaryPositions(style ?? .none))
      module = layer
      forward = { inputs in
        let x = try inputs.get("x")
        guard let key = inputs["key"] else { return try layer(x, mask: mask) }
        guard let value = inputs["value"] else { return try layer(x, memory: key, mask: mask) }
        return try layer(x, key, value, mask: mask)
      }
    case "encoder":
      var options = try golden.transformerOptions()
      options.scope.causal = golden.flag("causal")
      if layers > 0 {
        let stack = TransformerEncoder(layers: layers, features: size, options)
        module = stack
        forward = { try stack($0.get("x"), mask: mask) }
      } else {
        let layer = TransformerEncoderLayer(features: size, options)
        module = layer
        forward = { try layer($0.get("x"), mask: mask) }
      }
    case "decoder":
      let options = try golden.transformerOptions()
      let isCausal = golden.flag("causal")
      let memoryMask = AttentionMask(lengths: inputs["memory_lengths"])
      if layers > 0 {
        let stack = TransformerDecoder(layers: layers, features: size, options, isCausal: isCausal)
        module = stack
        forward = {
          try stack($0.get("x"), memory: $0.get("memory"), mask: mask, memoryMask: memoryMask)
        }
      } else {
        let layer = TransformerDecoderLayer(features: size, options, isCausal: isCausal)
        module = layer
        forward = {
          try layer($0.get("x"), memory: $0.get("memory"), mask: mask, memoryMask: memoryMask)
        }
      }
    case "gpt":
      let gpt = GPT(isTied: golden.flag("tied"))
      module = gpt
      forward = { try gpt($0.get("x")) }
    case "additive":
      let layer = AdditiveAttention(
        querySize: size, keySize: try inputs.get("key").shape[2], hidden: 5)
      module = layer
      forward = { try layer($0.get("x"), $0.get("key"), $0.get("value"), mask: mask) }
    default: throw MissingGolden("\(golden): op \(golden.op) has no module")
    }
  }
}

/// A small language model of 7 tokens, whose head may be the table of words.
private final class GPT: Module, Layer {
  let wte = Embedding(count: 7, features: 8)
  let wpe = LearnedPositions(length: 6, features: 8)
  let transformer = TransformerEncoder(
    layers: 2, features: 8,
    TransformerOptions(
      heads: 2, feedForward: 12, dropout: 0, activation: .gelu, normFirst: true,
      isCausal: true))
  let lmHead: Linear

  init(isTied: Bool) {
    lmHead =
      isTied ? Linear(tiedTo: wte.weight) : Linear(inputFeatures: 8, outputFeatures: 7, bias: false)
  }

  func forward(_ tokens: Tensor) throws -> Tensor {
    try lmHead(transformer(wpe(wte(tokens))))
  }
}

extension GoldenCase {
  func transformerOptions() throws -> TransformerOptions {
    let activation = options["activation"]?.string.flatMap(FeedForwardActivation.init(rawValue:))
    return TransformerOptions(
      heads: 2, feedForward: 12, dropout: 0, activation: activation ?? .relu,
      normFirst: flag("norm_first"), window: options["window"]?.int)
  }
}
