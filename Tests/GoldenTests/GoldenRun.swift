import DLCluster
import DLFormats
import DLLayers
import DLTestSupport
import DLTraining
import Testing

/// A run folder around the rows of a golden file, whose weights are loaded into what is made of it.
final class GoldenRun: Sendable {
  let file: SafetensorsFile
  private let folder = TemporaryFolder()

  /// Trains one step that changes no weight.
  init(_ name: String, model: String, data: String = "") throws {
    file = try Golden.file(name)
    let (x, y) = (try file.info("x"), try file.info("y"))
    let (inputs, labels) = (try file.bytes("x"), try file.bytes("y"))
    try SafetensorsWriter.write(
      [
        SafetensorsTensor(name: "x", dtype: x.dtype, shape: x.shape) { sink in
          try inputs.withUnsafeBytes { try sink($0) }
        },
        SafetensorsTensor(name: "y", dtype: y.dtype, shape: y.shape) { sink in
          try labels.withUnsafeBytes { try sink($0) }
        },
      ], to: folder.path + "/rows.safetensors")
    let configuration = try Configuration.load(
      yaml: """
        data: {train: rows.safetensors, validation: rows.safetensors\(data)}
        model: \(model)
        optimizer: {name: sgd, lr: 0}
        batch_size: 8
        steps: 1
        precision: float64
        """, folder: folder.path, overrides: [])
    let out = path
    _ = try ThreadGroup.run(ranks: 1) { communicator in
      var options = TrainingOptions()
      options.out = out
      return try Trainer(configuration, options: options, communicator: communicator).train()
        .isInterrupted
    }
  }

  /// The run folder.
  var path: String { folder.path + "/run" }

  /// Overwrites weights and running statistics by those of the file.
  func load(into arena: ParameterArena) throws {
    let prefix = "weights/"
    let tensors = try file.tensors.filter { $0.name.hasPrefix(prefix) }.map { info in
      let bytes = try file.bytes(info.name)
      return SafetensorsTensor(
        name: String(info.name.dropFirst(prefix.count)), dtype: info.dtype, shape: info.shape
      ) { sink in try bytes.withUnsafeBytes { try sink($0) } }
    }
    let path = TemporaryFolder()
    try SafetensorsWriter.write(tensors, to: path.path + "/weights.safetensors")
    try StateDict(arena).loadWeights(
      from: SafetensorsFile(path: path.path + "/weights.safetensors"))
  }
}
