import DLConfiguration
import DLFormats
import DLLayers
import DLReports
import DLTensor
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// Language models in the trainer: ties in files, and the same weights on any number of ranks.
@Suite struct LanguageModelTests {
  private let bench: Workbench

  init() throws {
    bench = try Workbench()
    var stream = RandomStream(RandomKey(3))
    for (name, rows) in [("words", 23), ("words-validation", 7)] {
      let tokens = (0..<rows * 6).map { _ in Int32(stream.upTo(7)) }
      try SafetensorsWriter.write(
        ["x", "y"].map { key in
          SafetensorsTensor(name: key, dtype: .int32, shape: [rows, 6]) { sink in
            try tokens.map { key == "x" ? $0 : ($0 * 3 + 1) % 7 }.withUnsafeBytes { try sink($0) }
          }
        }, to: "\(bench.path)/\(name).safetensors")
    }
  }

  private func configuration(_ overrides: [String] = []) throws -> Configuration {
    try Configuration.load(
      yaml: """
        data: {train: words.safetensors, validation: words-validation.safetensors}
        model: {layers: [flatten]}
        optimizer: {name: adamw, lr: 0.01}
        batch_size: 8
        steps: 4
        checkpoint: {every_steps: 1000}
        """, folder: bench.path, overrides: overrides)
  }

  /// PyTorch's state_dict has the shared table under both names.
  @Test func pyTorchsTiesLoadAndSaveBitForBit() throws {
    let path = golden("tied.safetensors", of: "GoldenTests")
    let options = bench.options("tied") { $0.initialWeights = path }
    try train(
      try configuration(["steps=1", "optimizer={name: sgd, lr: 1.0e-300}"]), options,
      model: { _, _ in GPT(dropout: 0) })
    let (want, got) = (try tensors(path), try tensors(bench.checkpoint("tied", step: 1)))
    #expect(want.count == 29 && want["wte.weight"] == want["lm_head.weight"])
    for (name, bytes) in want { #expect(got[name] == bytes, "\(name)") }
    #expect(Set(got.keys).subtracting(want.keys).allSatisfy { $0.hasPrefix("optimizer.") })
    // An export has it once, as safetensors.torch.save_model writes it, and is read whole.
    let exported = bench.path + "/exported.safetensors"
    try LoadedRun(bench.path + "/tied").export(to: exported)
    let file = try SafetensorsFile(path: exported)
    #expect(file.metadata == ["format": "pt", "lm_head.weight": "wte.weight"])
    for (name, bytes) in want {
      #expect(try name == "lm_head.weight" ? file[name] == nil : file.bytes(name) == bytes)
    }
    let again = bench.options("again") { $0.initialWeights = exported }
    let loaded = try train(
      try configuration(["steps=1"]), again, steps: false, model: { _, _ in GPT(dropout: 0) })[0]
    let plain = bench.options("plain") { $0.initialWeights = path }
    let expected = try train(
      try configuration(["steps=1"]), plain, steps: false, model: { _, _ in GPT(dropout: 0) })[0]
    #expect(loaded.parameters == expected.parameters)
  }

  @Test func ranksAgree() throws {
    // Not Adam: the gradient of a key's bias is 0 but for rounding, which Adam divides by itself.
    let job = try configuration(
      ["precision=float64", "optimizer={name: sgd, lr: 0.1, momentum: 0.9}"])
    let model: ModelFactory = { _, _ in GPT(dropout: 0.2, maxNorm: 2, padding: 3) }
    let alone = try train(job, bench.options("alone"), model: model)[0]
    for ranks in [2, 3] {
      for rank in try train(job, bench.options("ranks-\(ranks)"), ranks: ranks, model: model) {
        #expect(rank.state.count == alone.state.count)
        #expect(deviation(rank.state, alone.state) { _ in 1 } < 1e-11, "\(ranks)")
      }
    }
  }

  /// A frozen table keeps its bits, whatever decays the others.
  @Test func frozenTablesStay() throws {
    let job = try configuration(["optimizer={name: adamw, lr: 0.1, weight_decay: 0.5}", "steps=2"])
    for ranks in [1, 2] {
      try train(
        job, bench.options("frozen-\(ranks)"), ranks: ranks,
        model: { _, _ in
          Sequential(
            Embedding(count: 7, features: 4, isFrozen: true),
            Linear(inputFeatures: 4, outputFeatures: 7))
        })
    }
    let saved = try tensors(bench.checkpoint("frozen-1", step: 2))
    let context = Context(seed: job.seed)
    let start = Sequential(
      Embedding(count: 7, features: 4, isFrozen: true), Linear(inputFeatures: 4, outputFeatures: 7))
    let arena = try ParameterArena(start, context: context)
    #expect(try saved["0.weight"] == Array(arena.parameters[0].value.bytes))
    #expect(try saved["1.weight"] != Array(arena.parameters[1].value.bytes))
    #expect(try tensors(bench.checkpoint("frozen-2", step: 2))["0.weight"] == saved["0.weight"])
  }
}

/// The words `embedding`, `embedding_bag`, `positional`, `multi_head_attention` and
/// `transformer_encoder_layer` of `model.layers`.
@Suite struct AttentionSpecTests {
  private func layers(_ text: String) throws -> [LayerConfiguration] {
    let job = try Configuration.load(
      yaml: "data: {synthetic: {shape: [6], classes: 2}}\nmodel: {layers: [\(text)]}\n")
    return try #require(job.model.layers)
  }

  @Test func everyOptionReachesTheLayer() throws {
    let words = try layers(
      """
      {embedding: {entries: 9, size: 8, padding_idx: -1, max_norm: 2, norm_type: 1, frozen: true}},
      {positional: {kind: learned, length: 10}}, positional,
      {multi_head_attention: {heads: 2, bias: false, dropout: 0.1, causal: true, window: 3,
        rotary: half}},
      {transformer_encoder_layer: {heads: 4, feed_forward: 12, dropout: 0.2, activation: gelu,
        norm_first: true, causal: true, window: 2, rotary: interleaved}},
      {linear: {out: 9}}
      """)
    let chain = try LayerConfiguration.chain(words, input: [6])
    #expect(try chain.outputShape(for: [6]) == [6, 9])
    let table = try #require(chain.layers[0] as? Embedding)
    #expect(table.weight.shape == [9, 8] && table.paddingIndex == 8 && table.weight.isFrozen)
    #expect(table.options.maxNorm == 2 && table.options.normType == 1)
    #expect((chain.layers[1] as? LearnedPositions)?.weight.shape == [10, 8])
    #expect(chain.layers[2] is SinusoidalPositions)
    let attention = try #require(chain.layers[3] as? MultiHeadAttention)
    #expect(attention.options.heads == 2 && attention.inProjBias == nil)
    #expect(attention.options.dropout == 0.1)
    let half = AttentionScope(causal: true, window: 3, rotary: RotaryPositions(.half))
    #expect(attention.options.scope == half)
    let layer = try #require(chain.layers[4] as? TransformerEncoderLayer)
    #expect(layer.selfAttn.options.heads == 4 && layer.linear1.weight.shape == [12, 8])
    let interleaved = AttentionScope(causal: true, window: 2, rotary: RotaryPositions())
    #expect(layer.selfAttn.options.scope == interleaved && layer.selfAttn.options.dropout == 0.2)
    let context = Context()
    _ = try ParameterArena(chain, context: context)
    let tokens = try Tensor.labels([0, 8, 2, 3, 4, 5], shape: [1, 6], context: context)
    #expect(try chain(tokens).shape == [1, 6, 9])
    let bag = try LayerConfiguration.chain(
      layers("{embedding_bag: {entries: 9, size: 4, mode: max, padding_idx: 0}}"), input: [6])
    #expect(try bag.outputShape(for: [6]) == [4])
    #expect((bag.layers[0] as? EmbeddingBag)?.options.mode == .max)
  }

  /// Six positions of 8 features: 192 products each in the projections, 2 · 6 · 8 in the attention,
  /// 64 behind it, 96 in each half of the feed-forward part.
  @Test func inspectCountsProducts() throws {
    let report = try ModelReport(
      Configuration.load(
        yaml: """
          data: {synthetic: {shape: [6, 8], classes: 10}}
          model: {layers: [{transformer_encoder_layer: {heads: 2, feed_forward: 12}}, flatten,
            {linear: {out: 10}}]}
          """))
    let rows = try report.layers().split(separator: "\n").map { $0.split(separator: " ") }
    let products: Int = 6 * (192 + 96 + 64 + 2 * 96) + 480
    #expect(products == 3_744)
    #expect(rows.first { $0.first == "total" } == ["total", "1,022", "3,744"])
  }

  @Test func faultsNameWhatIsWrong() throws {
    func message(_ text: String, _ input: Shape = [6]) -> String {
      do {
        _ = try LayerConfiguration.chain(layers(text), input: input)
        return "no error"
      } catch { return "\(error)" }
    }
    #expect(
      message("{embedding: {entries: 9, size: 8}}, {multi_head_attention: {heads: 3}}")
        == "1: multi_head_attention: 8 features do not divide into 3 heads")
    #expect(
      message("{multi_head_attention: {heads: 3}}")
        == "0: multi_head_attention: input has shape [6], expected [time, features]")
    #expect(
      message("{embedding: {entries: 9, size: 8}}, {positional: {kind: learned, length: 5}}")
        == "1: positional: input has shape [6, 8], the table [5, 8]; use a longer table")
    #expect(message("positional") == "0: positional: input has shape [6], expected [time, size]")
    for text in [
      "{embedding: {entries: 9}}", "{embedding: {entries: 9, size: 2, padding_idx: 9}}",
      "{embedding_bag: {entries: 9, size: 2, padding_idx: -10}}", "{positional: {kind: rotary}}",
      "{multi_head_attention: {}}", "{multi_head_attention: {heads: 2, dropout: 1}}",
      "{transformer_encoder_layer: {heads: 2, activation: tanh}}",
    ] {
      #expect(throws: ConfigurationError.self, "\(text)") { try layers(text) }
    }
  }
}

/// A small language model of 7 tokens whose head is the table of words.
private final class GPT: Module, Layer {
  let wte: Embedding
  let wpe = LearnedPositions(length: 6, features: 8)
  let transformer: TransformerEncoder
  let lmHead: Linear

  init(dropout: Double, maxNorm: Double? = nil, padding: Int? = nil) {
    wte = Embedding(count: 7, features: 8, paddingIndex: padding, maxNorm: maxNorm)
    transformer = TransformerEncoder(
      layers: 2, features: 8,
      TransformerOptions(
        heads: 2, feedForward: 12, dropout: dropout, activation: .gelu, normFirst: true,
        isCausal: true))
    lmHead = Linear(tiedTo: wte.weight)
  }

  func forward(_ tokens: Tensor) throws -> Tensor {
    try lmHead(transformer(wpe(wte(tokens))))
  }

  func outputShape(for input: Shape) -> Shape { [input.last, 7] }
}
