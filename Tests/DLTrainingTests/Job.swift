import DLCluster
import DLCore
import DLData
import DLFormats
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// A test's own folder of data and runs.
protocol Bench {
  var path: String { get }
}

extension Bench {
  /// Options of a run in a folder of this bench.
  func options(_ folder: String, _ change: (inout TrainingOptions) -> Void = { _ in })
    -> TrainingOptions
  {
    var options = TrainingOptions()
    options.out = "\(path)/\(folder)"
    change(&options)
    return options
  }

  /// The path of a run's checkpoint.
  func checkpoint(_ folder: String, step: Int) -> String {
    let digits = String(step)
    let zeros = String(repeating: "0", count: 8 - digits.count)
    return "\(path)/\(folder)/checkpoints/step-\(zeros)\(digits).safetensors"
  }
}

/// A folder of a test's own with a small data set, removed at the end.
final class Workbench: Bench {
  private let folder = TemporaryFolder()
  var path: String { folder.path }

  init() throws {
    var stream = RandomStream(RandomKey(17))
    for (name, rows) in [("train", 70), ("validation", 23)] {
      let labels = (0..<rows).map { _ in Int32(stream.upTo(5)) }
      let pixels = labels.flatMap { label in
        (0..<8 * 7 * 2).map { UInt8(stream.upTo(180)) + ($0 / 22 == Int(label) ? 70 : 0) }
      }
      try SafetensorsWriter.write(
        [
          SafetensorsTensor(name: "x", dtype: .uint8, shape: [rows, 8, 7, 2]) { sink in
            try pixels.withUnsafeBytes { try sink($0) }
          },
          SafetensorsTensor(name: "y", dtype: .int32, shape: [rows]) { sink in
            try labels.withUnsafeBytes { try sink($0) }
          },
        ], to: "\(path)/\(name).safetensors")
    }
  }

  /// A residual network with batch normalization and dropout.
  ///
  /// Nothing that a batch norm follows has a bias: its gradient would be 0 but for rounding, which
  /// Adam divides by itself, so that the bias would tell rounding from rounding.
  static let yaml = """
    name: job
    seed: 3
    data:
      train: train.safetensors
      validation: validation.safetensors
      normalize: {mean: [0.4, 0.5], std: [0.3, 0.2]}
    model:
      layers:
        - {conv2d: {out: 6, kernel: 3, padding: 1, bias: false}}
        - {batch_norm: {}}
        - {relu: {}}
        - residual:
            layers:
              - {conv2d: {out: 6, kernel: 3, padding: 1, bias: false}}
              - {batch_norm: {}}
              - {relu: {}}
              - {conv2d: {out: 6, kernel: [3, 1], padding: [1, 0], bias: false}}
              - {batch_norm: {}}
        - {relu: {}}
        - residual:
            layers:
              - {conv2d: {out: 8, kernel: 3, stride: 2, padding: 1, bias: false}}
              - {batch_norm: {}}
            shortcut:
              - {conv2d: {out: 8, kernel: 1, stride: 2}}
        - {flatten: {}}
        - {dropout: {p: 0.3}}
        - {linear: {out: 12, bias: false}}
        - {batch_norm: {}}
        - {gelu: {}}
        - {dropout: {p: 0.2}}
        - {linear: {out: 5}}
    optimizer: {name: sgd, lr: 0.05, momentum: 0.9, weight_decay: 1.0e-3, clip_norm: 2.0}
    schedule: {name: cosine, warmup_steps: 3}
    batch_size: 15
    steps: 20
    precision: float64
    validate: {every_steps: 4}
    checkpoint: {every_steps: 1000}
    """

  func configuration(_ overrides: [String] = []) throws -> Configuration {
    try Configuration.load(yaml: Workbench.yaml, folder: path, overrides: overrides)
  }

  /// Writes rows of as many values each, with their labels, to `table.safetensors`.
  func writeTable(_ values: [Float], labels: [Int32]) throws {
    let rows = labels.count
    try SafetensorsWriter.write(
      [
        SafetensorsTensor(name: "x", dtype: .float32, shape: [rows, values.count / rows]) { sink in
          try values.withUnsafeBytes { try sink($0) }
        },
        SafetensorsTensor(name: "y", dtype: .int32, shape: [rows]) { sink in
          try labels.withUnsafeBytes { try sink($0) }
        },
      ], to: "\(path)/table.safetensors")
  }
}

/// What one rank holds after a run, or after setting it up.
struct RankResult: Sendable {
  var parameters: [UInt8] = []
  var buffers: [UInt8] = []
  var losses: [Double] = []
  var validations: [ValidationReport] = []
  var notices: [String] = []
  var startStep = 0
  var finished = true
  var checkpoint: String?
  var poolAllocations: [Int] = []

  /// Parameters and floating-point buffers of a float64 run, one after the other.
  var state: [Double] {
    [parameters, buffers].flatMap { values($0, as: Double.self) }
  }
}

/// Trains on a thread group; the results of the ranks in order.
@discardableResult
func train(
  _ configuration: Configuration, _ options: TrainingOptions, ranks: Int = 1, steps: Bool = true,
  model: ModelFactory? = nil, task: TaskFactory? = nil
) throws -> [RankResult] {
  try ThreadGroup.run(ranks: ranks) { communicator in
    let recorder = Recorder()
    let trainer = try Trainer(
      configuration, options: options, communicator: communicator, observers: [recorder],
      warn: { recorder.result.notices.append($0) }, task: task ?? TaskInput.factory(model: model))
    recorder.trainer = trainer
    var result = RankResult()
    if steps {
      let report = try trainer.train()
      result = recorder.result
      result.finished = !report.isInterrupted
      result.checkpoint = report.checkpoint
    }
    result.notices = recorder.result.notices
    let arena = trainer.arena
    result.parameters = Array(
      UnsafeRawBufferPointer(start: arena.values, count: arena.count * arena.dtype.byteCount))
    result.buffers = Array(arena.bufferBytes)
    recorder.trainer = nil
    return result
  }
}

/// Notes what happens on rank 0.
private final class Recorder: TrainingObserver {
  var result = RankResult()
  weak var trainer: Trainer?

  func willTrain(_ plan: RunPlan) { result.startStep = plan.startStep }

  func didStep(_ report: StepReport) {
    result.losses.append(report.loss)
    result.poolAllocations.append(trainer?.poolAllocations ?? -1)
  }

  func didValidate(_ report: ValidationReport) { result.validations.append(report) }
}

/// The tensors of a file by name, as bytes.
func tensors(_ path: String) throws -> [String: [UInt8]] {
  let file = try SafetensorsFile(path: path)
  return try Dictionary(
    uniqueKeysWithValues: file.tensors.map { ($0.name, try file.bytes($0.name)) })
}

/// The lines of metrics.jsonl without the times.
func metrics(_ folder: String) throws -> [[String: JSON]] {
  let text = String(decoding: try File.contents(of: folder + "/metrics.jsonl"), as: UTF8.self)
  return try text.split(separator: "\n").map { line in
    let members = try #require(try JSON(parsing: String(line)).members)
    return Dictionary(
      uniqueKeysWithValues: members.filter { !isMeasured($0.key) }
        .map { ($0.key, $0.value) })
  }
}
