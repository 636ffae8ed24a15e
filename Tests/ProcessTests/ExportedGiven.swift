import DLCluster
import DLFormats
import DLLayers
import DLModels
import DLTensor
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// A network that takes more than rows: a whole graph, or a pair of texts.
///
/// What it gives is computed here, and what the file takes is written beside it under the inputs' names.
struct ExportedGiven {
  let name: String
  let model: String

  /// Networks over the nodes of a graph.
  static let graphs = [
    ExportedGiven(name: "gcn", model: "{name: gcn, hidden: 5}"),
    ExportedGiven(name: "graphsage", model: "{name: graphsage, hidden: 5}"),
    ExportedGiven(name: "gat", model: "{name: gat, hidden: 3, heads: 2}"),
  ]

  /// Networks that translate.
  static let texts =
    [
      ("transformer", "transformer, layers: 2, width: 8, heads: 2, feed_forward: 12"),
      ("post", "transformer, layers: 1, width: 8, heads: 1, feed_forward: 12, norm_first: false"),
      ("dot", "seq2seq, width: 6"),
      ("none", "seq2seq, width: 6, layers: 2, cell: lstm, attention: none"),
      ("copy", "seq2seq, width: 6, layers: 2, cell: lstm, attention: additive, copy: true"),
      ("relu", "seq2seq, width: 6, attention: relu"),
      ("nat", "nat, layers: 1, width: 8, heads: 2, feed_forward: 12, reach: 3"),
      ("places", "nat, layers: 1, width: 8, heads: 2, feed_forward: 12, inputs: positions"),
    ].map { ExportedGiven(name: $0, model: "{name: \($1)}") }

  /// Trains it on a graph of edges in one and both directions, a node without any, one edge twice and one
  /// from a node to itself, and exports it.
  func writeGraph(in folder: String) throws {
    let (nodes, width) = (12, 7)
    var random = SystemIndependentNumbers(name)
    let columns = (0..<nodes).map { node in
      node == 3 ? [] : (0..<width).filter { ($0 + node) % 3 == 0 || random.next(3) == 0 }
    }
    let edges: [(Int, Int)] = [
      (0, 1), (1, 2), (2, 0), (2, 4), (4, 2), (5, 6), (5, 6), (7, 7), (8, 9), (9, 10), (10, 8),
      (0, 10), (11, 5),
    ]
    let offsets = columns.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let flat = edges.flatMap { [Int32($0), Int32($1)] }
    try SafetensorsWriter.write(
      [
        .of("feature_offsets", .int32, [nodes + 1], offsets.map { Int32($0) }),
        .of("feature_indices", .int32, [offsets[nodes]], columns.joined().map { Int32($0) }),
        .of("edges", .int32, [edges.count, 2], flat),
        .of("labels", .int32, [nodes], (0..<nodes).map { Int32($0 % 3) }),
        .of("split", .uint8, [nodes], (0..<nodes).map { UInt8(1 + $0 % 3) }),
      ], metadata: ["features": "\(width)", "classes": "3"], to: folder + "/graph.safetensors")
    try train(data: "{train: graph.safetensors, validation: graph.safetensors}", in: folder)

    let features = columns.flatMap { row in (0..<width).map { row.contains($0) ? Float(1) : 0 } }
    try SafetensorsWriter.write(
      [
        .of("features", .float32, [nodes, width], features),
        .of("edges", .int32, [edges.count, 2], flat),
      ], to: folder + "/rows.safetensors")
    let trained = try LoadedNetwork(LoadedRun(folder + "/run"), communicator: SingleRank())
    trained.context.isTraining = false
    let network = try #require(trained.task.model as? any GraphNetwork)
    let entries = columns.enumerated().flatMap { node, row in
      row.map { (row: node, column: $0, value: 1 / Double(row.count)) }
    }
    let outputs = try trained.context.withoutRecording {
      try network(
        .normalizedAdjacency(
          nodes: nodes, edges: edges.map { (from: $0, to: $1) }, context: trained.context),
        SparseMatrix(rows: nodes, columns: width, entries: entries, context: trained.context))
    }
    try Self.keep([outputs], in: folder)
  }

  /// Trains it on pairs of texts, and exports it; the rows it is asked for have other numbers of tokens
  /// than those.
  func writeTexts(in folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (name, text) in [
      ("en", "a cat\na dog\nthe cat sat\n"), ("de", "eine Katze\nein Hund\ndie Katze\n"),
    ] {
      try text.write(toFile: "\(folder)/text.\(name)", atomically: true, encoding: .utf8)
    }
    let packed = try Program.run(
      ["data", "pack", "parallel", "text.en", "text.de", "--vocabulary", "20", "-o", "text"],
      in: folder)
    #expect(packed.status == 0, "\(packed.errors)")
    try train(data: "{train: text/text.safetensors}", in: folder)

    var random = SystemIndependentNumbers(name)
    func texts(_ lengths: [Int], width: Int) -> [Int32] {
      lengths.flatMap { length in
        (0..<width).map { $0 < length ? Int32(1 + random.next(15)) : 0 }
      }
    }
    let (sourceLengths, targetLengths) = ([9, 4, 1, 6], [5, 7, 3, 1])
    let (sources, targets) = (texts(sourceLengths, width: 9), texts(targetLengths, width: 7))
    try SafetensorsWriter.write(
      [.of("source", .int32, [4, 9], sources), .of("target", .int32, [4, 7], targets)],
      to: folder + "/rows.safetensors")
    let trained = try LoadedNetwork(LoadedRun(folder + "/run"), communicator: SingleRank())
    let context = trained.context
    context.isTraining = false
    let network = try #require(trained.task.model as? any SequenceToSequence)
    let outputs = try context.withoutRecording {
      let lengths = try Tensor.labels(sourceLengths.map { Int32($0) }, context: context)
      let memory = try network.encode(
        .labels(sources, shape: [4, 9], context: context), lengths: lengths)
      let logits = try network.decode(
        .labels(targets, shape: [4, 7], context: context), memory: memory, lengths: lengths,
        cache: nil)
      guard let network = network as? any NonAutoregressive else { return [logits] }
      return [logits, try network.lengthLogits(memory, lengths: lengths)]
    }
    try Self.keep(outputs, in: folder)
  }

  private func train(data: String, in folder: String) throws {
    try """
    data: \(data)
    model: \(model)
    optimizer: {name: sgd, lr: 0.05}
    batch_size: 3
    steps: 3

    """.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
    for arguments in [
      ["train", "job.yaml", "--ranks", "1", "--out", "run"],
      ["export", "run", "-o", "model.onnx"], ["export", "run", "-o", "model.py"],
    ] {
      let outcome = try Program.run(arguments, in: folder)
      #expect(outcome.status == 0, "\(folder): \(outcome.errors)")
    }
    _ = try ONNXReader(path: folder + "/model.onnx")
  }

  /// Keeps outputs side by side, as `dltrain predict` writes numbers.
  static func keep(_ outputs: [Tensor], in folder: String) throws {
    let tables = outputs.map { (values: $0.doubles, width: $0.count / $0.shape[0]) }
    let lines = (0..<outputs[0].shape[0]).map { row in
      var cells = [String(row)]
      for (values, width) in tables {
        cells += values[row * width..<(row + 1) * width].map { "\($0)" }
      }
      return cells.joined(separator: ",")
    }
    try (["row,values"] + lines).joined(separator: "\n").write(
      toFile: folder + "/predicted.csv", atomically: true, encoding: .utf8)
  }
}
