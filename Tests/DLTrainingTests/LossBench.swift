import DLFormats
import DLTensor
import DLTestSupport
import DLTraining
import Foundation

/// Six rows of one kind of labels in a folder of a test's own.
final class LossBench: Bench {
  struct Row {
    let x: [Double]
    let y: [Double]

    /// The outputs of a linear layer from 4 to 3 without bias, for each 4 of x.
    func outputs(_ weights: [Double]) -> [Double] {
      stride(from: 0, to: x.count, by: 4).flatMap { step in
        (0..<3).map { out in
          (0..<4).reduce(0) { $0 + weights[4 * out + $1] * x[step + $1] }
        }
      }
    }
  }

  private let folder = TemporaryFolder()
  var path: String { folder.path }
  let rows: [Row]

  init(_ labels: LossTrainingTests.Labels) throws {
    var stream = RandomStream(RandomKey(5))
    let steps = labels == .sequences ? 3 : 1
    func distribution() -> [Double] {
      let parts = (0..<3).map { _ in 0.1 + stream.uniform() }
      return parts.map { $0 / parts.reduce(0, +) }
    }
    let sequences: [[Double]] = [[1, 2], [2, 0], [1, 1], [0, 0], [2, 1], [1, 0]]
    rows = (0..<6).map { index in
      let x = (0..<4 * steps).map { _ in Double(Float(2 * stream.normal())) }
      let y: [Double] =
        switch labels {
        case .classes: [index == 2 ? 255 : Double(index % 3)]
        case .values: (0..<3).map { _ in stream.normal() }
        case .bits: (0..<3).map { _ in Double(stream.upTo(2)) }
        case .probabilities: distribution()
        case .logarithms: distribution().map(log)
        case .sequences: sequences[index]
        }
      return Row(x: x, y: y.map { Double(Float($0)) })
    }
    let isInteger = labels == .classes || labels == .sequences
    let labelShape = labels == .classes ? [6] : [6, rows[0].y.count]
    let x = rows.flatMap(\.x).map { Float($0) }
    let y = rows.flatMap(\.y)
    try SafetensorsWriter.write(
      [
        SafetensorsTensor(
          name: "x", dtype: .float32, shape: steps == 1 ? [6, 4] : [6, steps, 4]
        ) { sink in try x.withUnsafeBytes { try sink($0) } },
        SafetensorsTensor(name: "y", dtype: isInteger ? .int32 : .float32, shape: labelShape) {
          sink in
          if isInteger {
            try y.map { Int32($0) }.withUnsafeBytes { try sink($0) }
          } else {
            try y.map { Float($0) }.withUnsafeBytes { try sink($0) }
          }
        },
      ], to: path + "/data.safetensors")
  }

  func configuration(_ loss: String, activation: String?, _ overrides: [String] = []) throws
    -> Configuration
  {
    let layers = ["{linear: {out: 3, bias: false}}"] + (activation.map { [$0] } ?? [])
    return try Configuration.load(
      yaml: """
        data: {train: data.safetensors, validation: data.safetensors, order: sequential}
        model: {layers: [\(layers.joined(separator: ", "))]}
        loss: \(loss)
        optimizer: {name: sgd, lr: 0.1}
        batch_size: 6
        steps: 3
        validate: {every_steps: 3}
        precision: float64
        """, folder: path, overrides: overrides)
  }

  func options(_ folder: String) -> TrainingOptions {
    var options = TrainingOptions()
    options.out = "\(path)/\(folder)"
    return options
  }
}
