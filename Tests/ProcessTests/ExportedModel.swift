import DLFormats
import DLModels
import DLTestSupport
import Foundation
import Testing

/// A registered model that is exported.
struct ExportedModel {
  let name: String
  let data: String
  let model: String
  /// The shape of a row of numbers; nil for tokens.
  var shape: [Int]?
  var isPadded = false
  /// Whether its weights follow from sums, in one step.
  var isFitted = false
  /// Whether its rows are graphs.
  var isGraph = false

  static let all = written + made

  /// The models that neither another case nor one of `large`, ``ExportedPart`` and ``ExportedGiven``
  /// holds, on rows that they train on.
  private static let made: [ExportedModel] = {
    let known = names(besides: [])
    // Word vectors are a table, which is exported as weights.
    return ModelRegistry.builtIn.filter { !known.union(["word2vec"]).contains($0.name) }
      .compactMap { spec in
        RequiredOptions.texts(spec).flatMap { options in
          let model = "{name: \(spec.name)\(options.isEmpty ? "" : ", ")\(options)}"
          return [[28, 28, 1], [12], nil].map { (shape: [Int]?) in
            ExportedModel(
              name: spec.name,
              data: shape.map { "{synthetic: {shape: \($0), classes: 10, rows: 8}}" }
                ?? "{train: tokens.safetensors}", model: model, shape: shape)
          }
        }.first { $0.isWhole }
      }
  }()

  /// The names of the models of all cases that are written by hand, and of others.
  static func names(besides others: [ExportedModel]) -> Set<String> {
    let text =
      ((written + large + others).map(\.model) + ExportedPart.all.map(\.job)
      + ExportedGiven.graphs.map(\.model) + ExportedGiven.texts.map(\.model))
      .joined(separator: "\n")
    return Set(
      ModelRegistry.builtIn.map { $0.name }.filter { name in
        [",", "}", "\n"].contains { text.contains("name: \(name)" + $0) }
      })
  }

  /// Whether the job trains.
  private var isWhole: Bool {
    let trains = try? TemporaryFolder.with { folder in
      try writeRows(in: folder)
      return RegistryJobs.trains(job, in: folder)
    }
    return trains ?? false
  }

  private static let written = [
    ExportedModel(
      name: "resnet-pad", data: "{synthetic: {shape: [8, 8, 3], classes: 4, rows: 8}}",
      model: "{name: resnet_cifar, depth: 14}", shape: [8, 8, 3]),
    ExportedModel(
      name: "resnet-projection", data: "{synthetic: {shape: [9, 8, 3], classes: 4, rows: 8}}",
      model: "{name: resnet_cifar, depth: 8, shortcut: projection}", shape: [9, 8, 3]),
    ExportedModel(
      name: "mlp", data: "{synthetic: {shape: [4, 3], classes: 3, rows: 8}}",
      model: "{name: mlp, hidden: 8, depth: 2, normalization: batch, dropout: 0.1}", shape: [4, 3]),
    ExportedModel(
      name: "gpt", data: "{train: tokens.safetensors}",
      model: "{name: gpt, layers: 2, width: 8, heads: 2}"),
    ExportedModel(
      name: "lstm_lm", data: "{train: tokens.safetensors}",
      model: "{name: lstm_lm, layers: 2, hidden: 8}"),
    ExportedModel(
      name: "bert", data: "{train: labelled.safetensors}",
      model: "{name: bert, head: classify, vocabulary: 20, layers: 2, width: 8, heads: 2}"),
    ExportedModel(
      name: "bert-padded", data: "{train: labelled.safetensors}",
      model:
        "{name: bert, head: classify, vocabulary: 20, padding_idx: 0, layers: 2, width: 8, heads: 2}",
      isPadded: true),
    ExportedModel(
      name: "mobilenet_v2", data: "{synthetic: {shape: [32, 32, 3], classes: 4, rows: 8}}",
      model: "{name: mobilenet_v2, width_mult: 0.1}", shape: [32, 32, 3]),
    ExportedModel(
      name: "vit", data: "{synthetic: {shape: [8, 8, 3], classes: 4, rows: 8}}",
      model: "{name: vit, patch: 4, width: 8, layers: 2, heads: 2}", shape: [8, 8, 3]),
    ExportedModel(
      name: "gpt2", data: "{train: tokens.safetensors}",
      model: "{name: gpt2, layers: 2, width: 8, heads: 2, positions: 16}"),
    ExportedModel(
      name: "bert_base", data: "{train: labelled.safetensors}",
      model: """
        {name: bert_base, vocabulary: 20, padding_idx: 0, layers: 2, width: 8, heads: 2,
        feed_forward: 16, positions: 16}
        """, isPadded: true),
    ExportedModel(
      name: "bert_base-tag", data: "{train: tokens.safetensors}",
      model: """
        {name: bert_base, head: tag, vocabulary: 20, layers: 1, width: 8, heads: 2,
        feed_forward: 16}
        """),
    ExportedModel(
      name: "bert_base-masked", data: "{train: tokens.safetensors}",
      model: """
        {name: bert_base, head: masked, mask_token: 19, vocabulary: 20, layers: 1, width: 8,
        heads: 2, feed_forward: 16}
        """),
    ExportedModel(
      name: "gaussian", data: "{synthetic: {shape: [2, 3, 2], classes: 3, rows: 60}}",
      model: "{name: gaussian, ridge: 0.1}", shape: [2, 3, 2], isFitted: true),
    ExportedModel(
      name: "ngram", data: "{train: tokens.safetensors}",
      model: "{name: ngram, order: 3, smoothing: interpolated}", isFitted: true),
    ExportedModel(
      name: "ngram-alone", data: "{train: tokens.safetensors}",
      model: "{name: ngram, order: 1, smoothing: add_k}", isFitted: true),
    ExportedModel(
      name: "gin", data: "{train: graphs.safetensors}",
      model: "{name: gin, kinds: 2, layers: 2, hidden: 4, dropout: 0.1}", isGraph: true),
  ]

  /// Those with millions of weights, which DLTRAIN_LARGE_EXPORTS asks for.
  static let large: [ExportedModel] = [
    "resnet, depth: 18", "resnet, depth: 50", "vgg, depth: 11, batch_norm: true, hidden: 16",
    "alexnet, hidden: 16", "densenet",
  ].map { words in
    ExportedModel(
      name: String(words.filter { $0 != "," && $0 != " " && $0 != ":" }),
      data: "{synthetic: {shape: [64, 72, 3], classes: 4, rows: 8}}", model: "{name: \(words)}",
      shape: [64, 72, 3])
  }

  /// Those of which listings are kept.
  static func golden(_ name: String) -> ExportedModel {
    name == "lenet"
      ? ExportedModel(
        name: name,
        data: "{synthetic: {shape: [28, 28, 1], classes: 10, rows: 8}, "
          + "normalize: {mean: [0.1307], std: [0.3081]}}",
        model: "{name: lenet5}", shape: [28, 28, 1])
      : ExportedModel(
        name: name, data: "{train: labelled.safetensors}",
        model: """
          {layers: [{embedding: {entries: 20, size: 4, padding_idx: 0}}, {lstm: {hidden: 4}},
            {multi_head_attention: {heads: 2}}, global_avg_pool1d, {linear: {out: 3}}]}
          """,
        isPadded: true)
  }

  /// Trains and exports it.
  func write(in folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try writeRows(in: folder)
    try ExportedModel.train(job, in: folder)
    try ExportedModel.export(in: folder, name: name)
  }

  private var job: String {
    """
    data: \(data)
    model: \(model)
    \(isFitted ? "steps: 1" : "optimizer: {name: sgd, lr: 0.05}\nbatch_size: 4\nsteps: 3")

    """
  }

  /// Writes the rows that it trains on and those that it predicts.
  private func writeRows(in folder: String) throws {
    var random = SystemIndependentNumbers(name)
    let rows: SafetensorsTensor
    if let shape {
      let values = (0..<8 * shape.reduce(1, *)).map { _ in Float(random.next(4001) - 2000) / 1000 }
      rows = .of("x", .float32, [8] + shape, values)
    } else if isGraph {
      // Rows of fewer and fewer nodes, each with neighbors among those before it.
      let slots = (0..<8 * 6).flatMap { place -> [Int32] in
        let node = place % 6
        guard node < 6 - place / 12 else { return [0, 0, 0, 0] }
        let neighbors = (0..<3).map { _ in node == 0 ? 0 : Int32(random.next(node + 1)) }
        return [Int32(1 + random.next(2))] + neighbors
      }
      rows = .of("x", .int32, [8, 6, 4], slots)
      try SafetensorsWriter.write(
        [rows, .of("y", .int32, [8], (0..<8).map { Int32($0 % 3) })], metadata: ["classes": "3"],
        to: folder + "/graphs.safetensors")
    } else {
      let tokens = (0..<80).map { place in
        isPadded && place % 10 > 2 + place / 10 ? 0 : Int32(1 + random.next(19))
      }
      rows = .of("x", .int32, [8, 10], tokens)
      let next = (0..<80).map { _ in Int32(random.next(20)) }
      try SafetensorsWriter.write(
        [rows, .of("y", .int32, [8, 10], next)], metadata: ["classes": "20"],
        to: folder + "/tokens.safetensors")
      try SafetensorsWriter.write(
        [rows, .of("y", .int32, [8], (0..<8).map { Int32($0 % 3) })],
        to: folder + "/labelled.safetensors")
    }
    try SafetensorsWriter.write([rows], to: folder + "/rows.safetensors")
  }

  /// Trains a job in a folder and keeps what it predicts for `rows.safetensors`.
  static func train(_ job: String, in folder: String) throws {
    try job.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
    for arguments in [
      ["train", "job.yaml", "--ranks", "1", "--out", "run"],
      ["predict", "run", "rows.safetensors", "-o", "predicted.csv"],
    ] {
      let outcome = try Program.run(arguments, in: folder)
      #expect(outcome.status == 0, "\(folder): \(outcome.errors)")
    }
  }

  /// Exports the run in both formats; `isONNX` says whether it can be written as ONNX.
  static func export(in folder: String, name: String, isONNX: Bool = true) throws {
    let onnx = try Program.run(["export", "run", "-o", "model.onnx"], in: folder)
    #expect(onnx.status == (isONNX ? 0 : 64), "\(name): \(onnx.errors)")
    if isONNX {
      _ = try ONNXReader(path: folder + "/model.onnx")
    } else {
      #expect(onnx.errors.contains("--format "), "\(onnx.errors)")
    }
    let torch = try Program.run(["export", "run", "-o", "model.py"], in: folder)
    #expect(torch.status == 0, "\(name): \(torch.errors)")
  }
}
