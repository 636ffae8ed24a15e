import DLTestSupport
import DLTraining
import Testing

/// Networks with branches, dense blocks and tokens in training: the same at every number of ranks, and
/// after an interruption.
@Suite struct BranchTrainingTests {
  private static let network = """
    model={blocks: {unit: {parameters: {out: 4, kernel: 1}, layers: [{conv2d: {out: $out, kernel: \
    $kernel, padding: ($kernel - 1) / 2, bias: false}}, batch_norm, relu]}}, layers: [{unit: {kernel: \
    3}}, {concat: {branches: {a: [unit, {dropout: {p: 0.2}}], b: [{unit: {out: 2, kernel: 3}}, \
    {dropout: {p: 0.2}}], c: []}}}, {dense_block: {layers: 2, growth: 3, bottleneck: 2, dropout: 0.1}}, \
    {multiply: {branches: [[], [global_avg_pool2d, {linear: {out: 16}}, sigmoid]]}}, {sum: {branches: \
    [[], [{unit: {out: 16}}]]}}, {conv2d: {out: 6, kernel: 2, stride: 2}}, tokens, class_token, \
    {positional: {kind: learned, init: {normal: {std: 0.02}}}}, {repeat: {times: 2, layers: \
    [{transformer_encoder_layer: {heads: 2, feed_forward: 8, dropout: 0.1, norm_first: true}}]}}, \
    layer_norm, select, {linear: {out: 5, init: {weight: xavier_uniform, bias: zeros}}}]}
    """

  @Test func ranksAgreeWithOne() throws {
    let bench = try Workbench()
    let one = try train(
      bench.configuration([Self.network, "steps=8"]), bench.options("one"), ranks: 1)[0]
    #expect(one.losses.count == 8 && one.losses.allSatisfy(\.isFinite))
    for (index, shares) in [[8, 7], [4, 0, 1, 2]].enumerated() {
      let results = try train(
        bench.configuration([Self.network, "steps=8", "shares=\(shares)"]),
        bench.options("ranks-\(index)"), ranks: shares.count)
      #expect(deviation(results[0].losses, one.losses) < 1e-10, "\(shares)")
      #expect(deviation(results[0].state, one.state) < 1e-9, "\(shares)")
      #expect(results.allSatisfy { $0.parameters == results[0].parameters }, "\(shares)")
    }
  }

  /// The checkpoint, and the configuration of the run folder, in which blocks are written out.
  @Test func anInterruptedRunEndsWithTheSameBits() throws {
    let bench = try Workbench()
    let overrides = [Self.network, "steps=6"]
    let whole = try train(bench.configuration(overrides), bench.options("whole"), ranks: 2)
    try train(
      bench.configuration(overrides), bench.options("halves") { $0.stopAtStep = 3 }, ranks: 2)
    let stored = try Configuration.load(path: "\(bench.path)/halves/config.yaml")
    #expect(try stored == bench.configuration(overrides))
    let rest = try train(stored, bench.options("halves") { $0.resume = .automatic }, ranks: 2)
    #expect(rest[0].startStep == 3 && rest[0].finished)
    #expect(rest[0].parameters == whole[0].parameters)
    #expect(rest[0].buffers == whole[0].buffers)
  }

  /// A warmed-up step takes no new memory for tensors.
  @Test func stepsTakeNoNewMemory() throws {
    let bench = try Workbench()
    let result = try train(
      bench.configuration([Self.network, "steps=14", "validate.every_steps=100"]),
      bench.options("memory"))[0]
    let counts = result.poolAllocations
    #expect(counts.count == 14 && counts.suffix(4).allSatisfy { $0 == counts[9] }, "\(counts)")
  }
}
