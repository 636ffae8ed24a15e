import DLCluster
import DLFormats
import DLInference
import DLLayers
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// Jobs over sequences of unequal length: what stands in the padding makes no difference.
@Suite struct PaddedLabelTests {
  private static let layers = """
    model:
      layers:
        - {embedding: {entries: 9, size: 4, padding_idx: 0}}
        - {lstm: {hidden: 3, bidirectional: true}}
        - {linear: {out: 3}}
    optimizer: {name: adam, lr: 0.05}
    batch_size: 5
    steps: 12
    precision: float64
    """

  /// Twelve rows of tokens, each label the token modulo 3, in rows of a width; padding has `filler` as
  /// its label.
  private func write(_ path: String, width: Int, filler: Int32, lengths: Bool = false) throws {
    var stream = RandomStream(RandomKey(5))
    var (x, y, counts): ([Int32], [Int32], [Int32]) = ([], [], [])
    for _ in 0..<12 {
      let tokens = (0..<1 + stream.upTo(6)).map { _ in Int32(1 + stream.upTo(8)) }
      let rest = [Int32](repeating: 0, count: width - tokens.count)
      x += tokens + rest
      y += tokens.map { $0 % 3 } + rest.map { _ in filler }
      counts.append(Int32(tokens.count))
    }
    func tensor(_ name: String, _ values: [Int32], _ shape: [Int]) -> SafetensorsTensor {
      SafetensorsTensor(name: name, dtype: .int32, shape: shape) { sink in
        try values.withUnsafeBytes { try sink($0) }
      }
    }
    try SafetensorsWriter.write(
      [tensor("x", x, [12, width]), tensor("y", y, [12, width])]
        + (lengths ? [tensor("lengths", counts, [12])] : []), to: path)
  }

  @Test func labelsOfPaddingDoNotCount() throws {
    let folder = TemporaryFolder()
    func losses(_ name: String, _ overrides: [String], ranks: Int = 1) throws -> RankResult {
      let configuration = try Configuration.load(
        yaml: "data: {train: \(name).safetensors, validation: \(name).safetensors}\n" + Self.layers,
        folder: folder.path, overrides: overrides)
      var options = TrainingOptions()
      options.out = "\(folder.path)/run-\(name)-\(ranks)"
      return try train(configuration, options, ranks: ranks)[0]
    }
    try write(folder.path + "/narrow.safetensors", width: 6, filler: 0)
    try write(folder.path + "/wide.safetensors", width: 11, filler: 2)
    try write(folder.path + "/marked.safetensors", width: 7, filler: -100)
    try write(folder.path + "/told.safetensors", width: 8, filler: 1, lengths: true)
    let narrow = try losses("narrow", [])
    #expect(narrow.losses.last! < narrow.losses[0])
    let marked = try losses("marked", ["loss={cross_entropy: {ignore_index: -100}}"])
    let told = try losses("told", [])
    let wide = try losses("wide", [])
    let shared = try losses("wide", [], ranks: 3)
    for other in [marked, told, wide, shared] {
      #expect(deviation(other.losses, narrow.losses) < 1e-12)
      #expect(deviation(other.state, narrow.state) < 1e-10)
      #expect(other.validations.last?.accuracy == narrow.validations.last?.accuracy)
    }
    var text = ""
    try LoadedRun(folder.path + "/run-wide-1").predict(folder.path + "/wide.safetensors") {
      text += $0
    }
    let lines = text.split(separator: "\n").dropFirst()
    let counts = try SafetensorsFile(path: folder.path + "/told.safetensors").bytes("lengths")
      .withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) }
    #expect(lines.count == Int(counts.reduce(0, +)))
  }

  /// Predicted sequences are judged by the edits that make them right.
  @Test func ctcIsDecodedAndJudged() throws {
    let context = Context(precision: .float64)
    func outputs(_ paths: [[Int]], classes: Int) throws -> Tensor {
      let scores = paths.flatMap { path in
        path.flatMap { best in (0..<classes).map { $0 == best ? 0.0 : -3.0 } }
      }
      return try Tensor.values(
        scores, shape: [paths.count, paths[0].count, classes], context: context)
    }
    let x = try outputs([[1, 1, 0, 1, 2, 2], [0, 3, 3, 2, 0, 1]], classes: 4)
    #expect(try CTC().bestPaths(x) == [[1, 1, 2], [3, 2, 1]])
    x.lengths = try Tensor.labels([4, 3], context: context)
    #expect(try CTC().bestPaths(x) == [[1, 1], [3]])
    // Two equal labels need a step between them, which the second row's length has not.
    let equal = try Tensor.labels([1, 2, 0, 3, 3, 0], shape: [2, 3], context: context)
    #expect(try CTC(zeroInfinity: true).sum(x, equal).scalar.isFinite)
    x.lengths = try Tensor.labels([4, 2], context: context)
    let error = #expect(throws: TensorError.self) { try CTC().sum(x, equal) }
    #expect(error?.exitCode == .data && error?.description.contains("row 1") == true)
    x.lengths = try Tensor.labels([4, 3], context: context)
    let metric = LabelErrorRate()
    var sums = try metric.sums(for: MetricTask(.sequences(3), labels: 4))
    let labels = try Tensor.labels([1, 2, 0, 3, 1, 2], shape: [2, 3], context: context)
    try metric.add(.scores(ScoreBatch(x, labels: labels, loss: CTC())), to: &sums)
    // 1 1 for 1 2 is one edit, 3 for 3 1 2 two.
    #expect(metric.result(sums).value == 3.0 / 5)
    #expect(throws: MetricMisfit.self) { try metric.sums(for: MetricTask(.classes(3), labels: 4)) }
  }

  /// Sentences count whose tags are right wherever they have one.
  @Test func rowsWithoutAWrongTagAreCounted() throws {
    let context = Context(precision: .float64)
    let best = [0, 1, 2, 2, 1, 0, 0, 0, 0, 1, 1, 1]
    let labels: [Int32] = [0, 1, 2, 2, 1, 2, 0, -1, -1, -1, -1, -1]
    let outputs = try Tensor.values(
      best.flatMap { tag in (0..<3).map { $0 == tag ? 1.0 : 0 } }, shape: [4, 3, 3],
      context: context)
    let metric = ExactMatch()
    var sums = try metric.sums(for: MetricTask(.classes(3), labels: 12))
    let batch = try ScoreBatch(
      outputs, labels: .labels(labels, shape: [4, 3], context: context),
      loss: CrossEntropy(ignoreIndex: -1))
    try metric.add(.scores(batch), to: &sums)
    // The second row has a wrong tag, the last one none at all.
    #expect(metric.result(sums).content == .share(2, of: 3))
    #expect(throws: MetricMisfit.self) { try metric.sums(for: MetricTask(.values(3), labels: 4)) }
  }
}
