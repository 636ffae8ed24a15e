import DLFormats
import DLTestSupport
import Foundation
import Testing

extension ExportCase {
  private static let count = 6

  /// The job's configuration: rows of files as they are, and values as labels.
  var job: String {
    let normalize =
      rows == .bytes ? ", normalize: {mean: [0.1, 0.2, 0.3], std: [0.5, 0.6, 0.7]}" : ""
    return """
      data: {train: rows.safetensors\(normalize)}
      model:
        layers: [
      \(layers.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")),
          flatten, {linear: {out: 3}}]
      loss: mse
      optimizer: {name: sgd, lr: 0.01}
      batch_size: 3
      steps: 3
      \(more)

      """
  }

  /// Trains it in a folder and keeps what it predicts.
  func train(in folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var random = SystemIndependentNumbers(name)
    let count = ExportCase.count
    let elements = count * shape.reduce(1, *)
    var tensors: [SafetensorsTensor]
    switch rows {
    case .tokens:
      // Rows end with the token for padding, the first one in none.
      let tokens = (0..<elements).map { place in
        place % 10 < 10 - 2 * (place / 10) % 9 ? Int32(1 + random.next(19)) : 0
      }
      tensors = [.of("x", .int32, [count] + shape, tokens)]
    case .bytes:
      let bytes = (0..<elements).map { _ in UInt8(random.next(256)) }
      tensors = [.of("x", .uint8, [count] + shape, bytes)]
    default:
      let values = (0..<elements).map { _ in Float(random.next(4001) - 2000) / 1000 }
      tensors = [.of("x", .float32, [count] + shape, values)]
    }
    if rows == .lengths {
      tensors.append(.of("lengths", .int32, [count], [10, 7, 1, 3, 10, 5] as [Int32]))
    }
    let labels = (0..<count * 3).map { _ in Float(random.next(2001) - 1000) / 1000 }
    tensors.append(.of("y", .float32, [count, 3], labels))
    try SafetensorsWriter.write(tensors, to: folder + "/rows.safetensors")
    try ExportedModel.train(job, in: folder)
  }

  /// Trains and exports it.
  func write(in folder: String) throws {
    try train(in: folder)
    try ExportedModel.export(in: folder, name: name, isONNX: isONNX)
  }
}

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

  static let all = [
    ExportedModel(
      name: "lenet5", data: "{synthetic: {shape: [28, 28, 1], classes: 10, rows: 8}}",
      model: "{name: lenet5}", shape: [28, 28, 1]),
    ExportedModel(
      name: "digits_cnn", data: "{synthetic: {shape: [8, 8, 1], classes: 10, rows: 8}}",
      model: "{name: digits_cnn}", shape: [8, 8, 1]),
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
    try ExportedModel.train(
      """
      data: \(data)
      model: \(model)
      \(isFitted ? "steps: 1" : "optimizer: {name: sgd, lr: 0.05}\nbatch_size: 4\nsteps: 3")

      """, in: folder)
    try ExportedModel.export(in: folder, name: name)
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

/// Numbers that a name draws, the same everywhere.
struct SystemIndependentNumbers {
  private var state: UInt64

  init(_ name: String) {
    state = name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  /// A number from 0 to below `bound` (SplitMix64).
  mutating func next(_ bound: Int) -> Int {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return Int((z ^ z >> 31) % UInt64(bound))
  }
}

extension SafetensorsTensor {
  static func of<T: BitwiseCopyable>(
    _ name: String, _ type: SafetensorsType, _ shape: [Int], _ values: [T]
  ) -> SafetensorsTensor {
    SafetensorsTensor(name: name, dtype: type, shape: shape) { sink in
      try values.withUnsafeBytes { try sink($0) }
    }
  }
}
