import DLCore
import DLFormats
import DLTestSupport
import Foundation
import Testing

/// A small job over the embedded digits: two convolutions with synchronized batch normalization,
/// residual, dropout.
enum Job {
  /// Twelve steps of 15 rows, so that three or four ranks hold uneven shares.
  static let yaml = """
    name: small
    seed: 7
    data: {train: "embedded:digits-train", validation: "embedded:digits-validation",
           normalize: {mean: [0.3], std: [0.35]}}
    model:
      layers:
        - conv2d: {out: 4, kernel: 3, padding: 1, bias: false}
        - batch_norm
        - relu
        - residual: {layers: [{conv2d: {out: 4, kernel: 3, padding: 1}}, batch_norm]}
        - relu
        - max_pool2d: {kernel: 2}
        - flatten
        - dropout: {p: 0.2}
        - linear: {out: 10}
    optimizer: {name: sgd, lr: 0.05, momentum: 0.9, weight_decay: 5.0e-4}
    schedule: {name: cosine, warmup_steps: 3}
    batch_size: 15
    steps: 12
    precision: float64
    validate: {every_steps: 6}
    checkpoint: {every_steps: 1, keep: 20}

    """

  /// Writes the job's configuration into `folder` and returns its path.
  static func write(to folder: String) throws -> String {
    let path = folder + "/small.yaml"
    try yaml.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  /// The tensors of a checkpoint as bytes, by name.
  static func tensors(_ run: String, step: Int) throws -> [String: [UInt8]] {
    let file = try SafetensorsFile(path: checkpoint(run, step: step))
    return try Dictionary(
      uniqueKeysWithValues: file.tensors.map { ($0.name, try file.bytes($0.name)) })
  }

  /// The path of a run's checkpoint.
  static func checkpoint(_ run: String, step: Int) -> String {
    let digits = String(step)
    return
      "\(run)/checkpoints/step-\(String(repeating: "0", count: 8 - digits.count))\(digits).safetensors"
  }

  /// The largest difference between two checkpoints' float64 tensors, relative to the larger of 1
  /// and the value.
  static func largestDifference(_ a: [String: [UInt8]], _ b: [String: [UInt8]]) -> Double {
    guard Set(a.keys) == Set(b.keys) else { return .infinity }
    return a.map { name, bytes in
      guard let other = b[name], other.count == bytes.count else { return .infinity }
      if name.hasSuffix("num_batches_tracked") { return bytes == other ? 0 : .infinity }
      return deviation(values(other, as: Double.self), values(bytes, as: Double.self))
    }.max() ?? .infinity
  }

  /// The lines of metrics.jsonl without the measured times.
  static func metrics(_ run: String) throws -> [String] {
    try records(run).map { line in
      try #require(line.members).filter { !isMeasured($0.key, acrossLayouts: true) }
        .map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }
  }

  /// The lines of metrics.jsonl of a kind.
  static func records(_ run: String, _ kind: String) throws -> [JSON] {
    try records(run).filter { $0["kind"]?.string == kind }
  }

  private static func records(_ run: String) throws -> [JSON] {
    try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8).split(separator: "\n")
      .map { try JSON(parsing: String($0)) }
  }
}
