import DLFormats
import DLLayers
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// Files with the names that Hugging Face's hub has had since 2018 (scripts/golden/make_hub.py).
@Suite struct HubWeightsTests {
  @Test(arguments: [
    (
      "gpt2", "{name: gpt2, layers: 2, width: 8, heads: 2, vocabulary: 11, positions: 6}",
      ["behind \"transformer.\"", "h.0.attn.bias and 3 more passed over"]
    ),
    (
      "bert",
      "{name: bert_base, head: masked, mask_token: 0, layers: 1, width: 8, heads: 2, "
        + "feed_forward: 16, vocabulary: 11, positions: 6}",
      ["with LayerNorm.gamma and beta for weight and bias", "position_ids passed over"]
    ),
  ])
  func logitsAreTheirs(_ name: String, _ model: String, _ words: [String]) throws {
    Engine.current.select()
    let context = Context()
    let job = try Configuration.load(
      yaml: "data: {synthetic: {shape: [4], classes: 2, rows: 16}}\nmodel: \(model)\n")
    let spec = try #require(job.model.options)
    let network = try #require(try spec.network(for: [6], classes: 11) as? any Layer)
    let arena = try ParameterArena(network, context: context)
    arena.initialize(seed: 1)
    let source = try WeightSources.open(
      Golden.folder + "/weights-hub-\(name).safetensors")
    let line = try StateDict(arena).loadWeights(from: source) ?? ""
    for word in words { #expect(line.contains(word), "\(line)") }
    #expect(!line.contains("anew") && !line.contains("left over"), "\(line)")

    context.isTraining = false
    let golden = try Golden.file("hub")
    let tokens = try golden.bytes("x").withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) }
    let y = try network(Tensor.labels(tokens, shape: [2, 6], context: context)).doubles
    let want = try golden.doubles(name)
    let unit = want.reduce(0) { max($0, abs($1)) }
    #expect(deviation(y, want) { _ in unit } < 1e-5)
  }
}
