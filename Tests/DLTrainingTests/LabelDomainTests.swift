import DLCluster
import DLCore
import DLData
import DLFormats
import DLReports
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// Values that a loss or a layer does not take: refused before anything is computed, with file, row
/// and value, the same on any number of ranks.
@Suite struct LabelDomainTests {
  /// A loss with labels that it takes and labels that it does not.
  struct Case: Sendable, CustomTestStringConvertible {
    let loss: String
    var layers = "[{linear: {out: 2}}]"
    var isInteger = false
    let good: [Double]
    let bad: [Double]
    let fault: String
    var testDescription: String { "\(loss) \(bad)" }
  }

  /// The boxes of a detector's rows, in the whole file before the first step, whatever the batches are.
  @Test(
    arguments: [
      ([3, 4, 4, 4, 9], "class 3.0 and edges 4.0, 4.0, 4.0, 9.0"),
      ([10, 1, 1, 5, 5], "class 10.0"),
      ([1.5, 1, 1, 5, 5], "class 1.5"), ([2, 5, 1, 1, 5], "edges 5.0, 1.0, 1.0, 5.0"),
    ] as [([Float], String)])
  func objectsAreBoxesOfClasses(_ object: [Float], _ fault: String) throws {
    let bench = try TaskBench()
    let path = bench.path + "/objects/train.safetensors"
    let file = try SafetensorsFile(path: path)
    let (x, y) = (try file.info("x"), try file.info("y"))
    var numbers = values(try file.bytes("y"), as: Float.self)
    let slots = y.shape[1]
    numbers.replaceSubrange((7 * slots + 1) * 5..<(7 * slots + 2) * 5, with: object)
    let pixels = try file.bytes("x")
    try SafetensorsWriter.write(
      [
        SafetensorsTensor(name: "x", dtype: .uint8, shape: x.shape) { sink in
          try pixels.withUnsafeBytes { try sink($0) }
        },
        SafetensorsTensor(name: "y", dtype: .float32, shape: y.shape) { sink in
          try numbers.withUnsafeBytes { try sink($0) }
        },
      ], metadata: file.metadata, to: path)
    let job = try Configuration.load(
      yaml: """
        data: {train: objects/train.safetensors}
        model: {layers: [{conv2d: {out: 14, kernel: 4, stride: 4}}, {detect: {classes: 10}}]}
        batch_size: 6
        steps: 1
        """, folder: bench.path)
    for ranks in [1, 2] {
      let error = refusal { try train(job, bench.options("run-\(ranks)"), ranks: ranks) }
      #expect(error.contains("train.safetensors: row 7: object 1 has "), "\(error)")
      #expect(error.contains(fault), "\(error)")
    }
  }

  /// Four rows of two labels.
  ///
  /// Where PyTorch checks (BCELoss, classes, blanks) it refuses the same;
  /// elsewhere it gives numbers without sense, as a loss below 0.
  static let cases: [Case] = [
    Case(
      loss: "mse", good: [-1e30, 0, 1, 2, 3, 4, 5, 1e30], bad: [0, 1, 2, .nan, 0, 1, 2, 3],
      fault: "row 1: y[1] is NaN"),
    Case(
      loss: "mae", good: [0, 1, 2, 3, 4, 5, 6, 7], bad: [0, 1, 2, 3, 4, 5, -.infinity, 7],
      fault: "row 3: y[0] is minus infinite"),
    Case(
      loss: "{huber: {delta: 2}}", good: [0, 1, 2, 3, 4, 5, 6, 7],
      bad: [.infinity, 1, 2, 3, 4, .nan, 6, 7], fault: "row 0: y[0] is infinite"),
    Case(
      loss: "smooth_l1", good: [0, 1, 2, 3, 4, 5, 6, 7], bad: [0, 1, 2, 3, 4, 5, 6, .nan],
      fault: "row 3: y[1] is NaN"),
    Case(
      loss: "bce", layers: "[{linear: {out: 2}}, sigmoid]", good: [0, 1, 0.5, 1, 0, 0, 1, 1],
      bad: [0, 1, 0, 1, 0, 255, 0, 255], fault: "row 2: y[1] has 255, outside 0 to 1 (loss: bce)"),
    Case(
      loss: "bce_with_logits", good: [0, 1, 0.5, 1, 0, 0, 1, 1], bad: [1, 1, 1, -1, 1, 1, -1, 1],
      fault: "row 1: y[1] has -1, outside 0 to 1 (loss: bce_with_logits)"),
    Case(
      loss: "multi_label_soft_margin", good: [0, 1, 0, 1, 0, 0, 1, 1],
      bad: [0, 1, 0, 1, 0, 0, 1, 2], fault: "row 3: y[1] has 2, outside 0 to 1"),
    Case(
      loss: "focal", good: [0, 1, 0, 1, 0, 0, 1, 1], bad: [0, 1, 0, 1, 0, 0, 1, 1.0001],
      fault: "row 3: y[1] has 1.000"),
    // A softmax in float32 may come to a little more than 1.
    Case(
      loss: "cross_entropy", good: [1.0000001, 0, 0.5, 0.5, 0, 1, 0.25, 0.75],
      bad: [1, 0, 0.5, 0.5, 2, -1, 0, 1], fault: "row 2: y[0] has 2, outside 0 to 1"),
    Case(
      loss: "kl_div", layers: "[{linear: {out: 2}}, log_softmax]",
      good: [1, 0, 0.5, 0.5, 0, 1, 0.25, 0.75], bad: [1, 0, 0.5, 0.5, 0, 1, -0.25, 0.75],
      fault: "row 3: y[0] has -0.25"),
    Case(
      loss: "{kl_div: {log_target: true}}", layers: "[{linear: {out: 2}}, log_softmax]",
      good: [0, -30, -0.7, -0.7, -1, -1, -1, -2], bad: [0, -30, -0.7, -0.7, -1, -1, 0.5, 0.5],
      fault: "row 3: y[0] has 0.5, outside logarithms of probabilities"),
    Case(
      loss: "ctc", layers: "[{linear: {out: 3}}, log_softmax]", isInteger: true,
      good: [1, 2, 1, 0, 0, 0, 2, 1], bad: [1, 2, 1, 0, 0, 2, 2, 1],
      fault: "row 2: y has 0, which fills rows up at their end, before another value (loss: ctc)"),
    Case(
      loss: "ctc", layers: "[{linear: {out: 3}}, log_softmax]", isInteger: true,
      good: [1, 2, 1, 0, 0, 0, 2, 1], bad: [1, 2, 1, 0, 0, 0, 2, 2],
      fault: "row 3: the labels in y do not fit into the network's 2 time steps"),
  ]

  private func x(_ loss: String) -> TableBench.Column {
    let values = (0..<24).map { Double($0 % 5) / 5 }
    return loss.contains("ctc") ? .floats(values, [2, 3]) : .floats(values, [6])
  }

  private func bench(_ job: Case, _ labels: [Double], _ name: String = "train") throws -> TableBench
  {
    let bench = TableBench()
    try bench.write(
      name, x: x(job.loss), y: .init(values: labels, row: [2], isInteger: job.isInteger))
    return bench
  }

  @Test(arguments: cases)
  func everyLoss(_ job: Case) throws {
    let good = try bench(job, job.good)
    let configuration = try good.configuration(job.layers, ["loss=\(job.loss)", "steps=1"])
    let trained = try train(configuration, good.options("run"), ranks: 2)
    #expect(trained[0].losses.allSatisfy(\.isFinite) || job.loss == "mse")
    let bad = try bench(job, job.bad)
    try refuses(bad, job, job.fault, file: "train")
  }

  /// Refuses to validate, and to train on 1 and 3 ranks, by one message.
  private func refuses(
    _ bench: TableBench, _ job: Case, _ fault: String, file: String, _ overrides: [String] = []
  ) throws {
    let configuration = try bench.configuration(job.layers, ["loss=\(job.loss)"] + overrides)
    let expected = "\(bench.path)/\(file).safetensors: \(fault)"
    let checked = #expect(throws: (any Error).self) { _ = try ModelReport(configuration) }
    #expect("\(checked!)".hasPrefix(expected), "\(checked!)")
    for ranks in [1, 3] {
      let failure = #expect(throws: RankFailure.self) {
        try train(configuration, bench.options("run-\(ranks)"), ranks: ranks)
      }
      #expect(failure?.exitCode == .data)
      let message = failure?.message.replacing(" (rank 0)", with: "")
      #expect(message == "\(checked!)")
    }
  }

  @Test func validationFilesAndTrainedRuns() throws {
    let job = Self.cases[5]
    let bench = try bench(job, job.good)
    try bench.write(
      "other", x: x(job.loss), y: .init(values: job.bad, row: [2], isInteger: false))
    try refuses(
      bench, job, job.fault, file: "other", ["data.validation=\(bench.path)/other.safetensors"])
    try train(
      bench.configuration(job.layers, ["loss=\(job.loss)"]), bench.options("trained"))
    let run = try LoadedRun("\(bench.path)/trained")
    for ranks in [1, 3] {
      let failure = #expect(throws: RankFailure.self) {
        try ThreadGroup.run(ranks: ranks) {
          try run.evaluate(data: "\(bench.path)/other.safetensors", communicator: $0)
        }
      }
      #expect(failure?.exitCode == .data)
      #expect(failure?.message.contains("other.safetensors: \(job.fault)") == true)
    }
    // Labels are nothing to a prediction, inputs are.
    try run.predict("\(bench.path)/other.safetensors") { _ in }
    var inputs = x(job.loss)
    inputs.values[13] = .nan
    try bench.write("spoiled", x: inputs, y: .floats(job.good, [2]))
    var written = ""
    let fault = #expect(throws: FormatError.self) {
      try run.predict("\(bench.path)/spoiled.safetensors") { written += $0 }
    }
    #expect(fault?.description.contains("row 2: x[1] is NaN") == true && written.isEmpty)
    #expect(fault?.exitCode == .data)
  }

  @Test func tokensOutsideTheTable() throws {
    let layers = "[flatten, {embedding: {entries: 3, size: 2}}, flatten, {linear: {out: 2}}]"
    let bench = TableBench()
    try bench.write("train", x: .integers([0, 1, 2, 0, 1, 2], [2]), y: .integers([0, 1, 0]))
    for (name, tokens, fault) in [
      ("high", [0, 1, 2, 3, 1, 2], "row 1: x[1] has 3, outside 0 to 2"),
      ("low", [0, 1, 2, 2, -1, 2], "row 2: x[0] has -1, outside 0 to 2"),
    ] as [(String, [Double], String)] {
      try bench.write(name, x: .integers(tokens, [2]), y: .integers([0, 1, 0]))
      let job = Case(loss: "cross_entropy", layers: layers, good: [], bad: [], fault: fault)
      try refuses(
        bench, job, fault, file: name, ["data.validation=\(bench.path)/\(name).safetensors"])
    }
    let bags = "[{embedding_bag: {entries: 2, size: 2}}, {linear: {out: 2}}]"
    let job = Case(loss: "cross_entropy", layers: bags, good: [], bad: [], fault: "")
    try refuses(bench, job, "row 1: x[0] has 2, outside 0 to 1", file: "train")
  }

  @Test(arguments: ["gpt", "lstm_lm"])
  func tokensOutsideTheVocabulary(_ model: String) throws {
    let bench = TableBench()
    for (name, classes) in [("train", "4"), ("other", "6"), ("damaged", "4")] {
      let tokens = (0..<40).map { Int32($0 == 33 && name != "train" ? 5 : $0 % 4) }
      try SafetensorsWriter.write(
        [
          SafetensorsTensor(name: "tokens", dtype: .int32, shape: [40]) { sink in
            try tokens.withUnsafeBytes { try sink($0) }
          }
        ], metadata: ["classes": classes], to: "\(bench.path)/\(name).safetensors")
    }
    for (name, fault) in [
      ("other", "row 33: tokens has 5, outside 0 to 3 (the model's inputs)"),
      ("damaged", "row 33: tokens has 5, outside 0 to 3 (the file's vocabulary)"),
    ] {
      let configuration = try Configuration.load(
        yaml: """
          data: {train: train.safetensors, validation: \(name).safetensors, window: 4}
          model: {name: \(model), layers: 1}
          steps: 1
          """, folder: bench.path)
      let error = #expect(throws: (any Error).self) { _ = try ModelReport(configuration) }
      #expect("\(error!)".contains("\(name).safetensors: \(fault)"), "\(error!)")
    }
  }

  /// Tokens behind the padding of a sentence would be left out in silence.
  @Test func sentencesPaddedInside() throws {
    let bench = TableBench()
    for (name, text) in [("s.de", "ab ba ab\nba\n"), ("s.en", "ab\nba ba ba ba\n")] {
      try File("\(bench.path)/\(name)", .create).write(text)
    }
    var packer = ParallelPacker()
    packer.vocabulary = 8
    let path = try packer.pack(
      [.init(source: bench.path + "/s.de", target: bench.path + "/s.en")], output: bench.path)[0]
      .path
    let file = try SafetensorsFile(path: path)
    for (column, fault) in [
      ("x", "row 1: x has 0, which fills rows up at their end"),
      ("y", "row 0: y has 0, which fills rows up at their end"),
    ] {
      let spoiled = "\(bench.path)/spoiled.safetensors"
      try SafetensorsWriter.write(
        try file.tensors.map { info in
          var bytes = try file.bytes(info.name)
          let row = column == "x" ? 1 : 0
          if info.name == column { bytes[(row + 1) * info.rowByteCount - 4] = 4 }
          return SafetensorsTensor(name: info.name, dtype: info.dtype, shape: info.shape) { sink in
            try bytes.withUnsafeBytes { try sink($0) }
          }
        }, metadata: file.metadata, to: spoiled)
      let configuration = try Configuration.load(
        yaml: """
          data: {train: \(path), validation: \(spoiled)}
          model: {name: transformer, layers: 1, width: 8, heads: 2, feed_forward: 8}
          steps: 1
          """)
      let error = #expect(throws: (any Error).self) { _ = try ModelReport(configuration) }
      #expect("\(error!)".contains("spoiled.safetensors: \(fault)"), "\(error!)")
    }
    // Sentences of another pair of texts have other widths.
    try File(bench.path + "/t.de", .create).write("ab ba ab ba ab ba\n")
    packer.tokenizer = path
    let longer = try packer.pack(
      [.init(source: bench.path + "/t.de", target: bench.path + "/t.de")], output: bench.path)[0]
      .path
    let job = try Configuration.load(
      yaml: """
        data: {train: \(path), validation: \(longer)}
        model: {name: transformer, layers: 1, width: 8, heads: 2, feed_forward: 8}
        steps: 1
        """)
    let trained = try train(job, bench.options("run"), ranks: 2)
    #expect(trained[0].validations.count == 1)
    let run = try LoadedRun("\(bench.path)/run")
    #expect(try run.evaluate(data: longer, communicator: SingleRank()).rows == 1)
  }

  /// A loss of classes under a single output is 0 from the first step on.
  @Test func aSingleOutputUnderCrossEntropy() throws {
    let bench = TableBench()
    try bench.write("train", x: x(""), y: .integers([0, 0, 0, 0]))
    for (loss, layers) in [
      ("cross_entropy", "[relu, {linear: {out: 1}}]"),
      ("nll", "[{linear: {out: 1}}, log_softmax]"),
    ] {
      let error = #expect(throws: (any Error).self) {
        _ = try ModelReport(bench.configuration(layers, ["loss=\(loss)"]))
      }
      #expect("\(error!)".contains("model: has one output (line 2: "), "\(error!)")
      #expect("\(error!)".contains("bce_with_logits"))
      #expect((error as? any DLError)?.exitCode == .usage)
    }
  }

  @Test func valuesWithoutALoss() throws {
    let bench = TableBench()
    try bench.write("train", x: x(""), y: .floats([1, 2, 3, 4], [1]))
    for layers in ["[{linear: {out: 1}}]", "[{linear: {out: 2}}]"] {
      let configuration = try bench.configuration(layers)
      let error = #expect(throws: (any Error).self) { _ = try ModelReport(configuration) }
      #expect(
        "\(error!)".hasPrefix(
          "loss: is not given for the outputs of line 2 (linear), and y of \(bench.path)/train"),
        "\(error!)")
      #expect((error as? any DLError)?.exitCode == .usage)
    }
    // Whoever names it means it.
    try bench.write("train", x: x(""), y: .floats([1, 0, 0.5, 0.5, 0, 1, 0, 1], [2]))
    _ = try ModelReport(bench.configuration("[{linear: {out: 2}}]", ["loss=cross_entropy"]))
    let task = try bench.configuration("[{linear: {out: 2}}]")
    #expect(throws: (any Error).self) { _ = try ModelReport(task) }
  }

  /// What the arithmetic makes infinite before any update is not a matter of the learning rate.
  @Test(arguments: [1, 3])
  func anInfiniteRowBeforeAnyUpdate(_ ranks: Int) throws {
    let bench = TableBench()
    var values = (0..<24).map { Double($0 % 5) / 5 }
    values[16] = Double(Float.greatestFiniteMagnitude)
    try bench.write("train", x: .floats(values, [6]), y: .integers([0, 1, 0, 1]))
    let configuration = try bench.configuration(
      "[{linear: {out: 2}}]", ["data.normalize={mean: [0], std: [0.5]}"])
    let failure = #expect(throws: RankFailure.self) {
      try train(configuration, bench.options("run"), ranks: ranks)
    }
    #expect(failure?.exitCode == .data)
    #expect(
      failure?.message.contains(
        "train.safetensors: row 2: its loss is not finite before any update (step 1)") == true,
      "\(failure?.message ?? "")")
    #expect(failure?.message.contains("optimizer.lr") == false)
  }
}
