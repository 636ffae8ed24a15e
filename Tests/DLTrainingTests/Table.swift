import DLCore
import DLFormats
import DLTestSupport
import DLTraining
import Foundation

/// A folder of a test's own with small tables as data sets.
final class TableBench: Bench, Sendable {
  private let folder = TemporaryFolder()
  var path: String { folder.path }

  /// The numbers of a column with the shape of a row; those with a fraction, or so asked for, are F32.
  struct Column {
    var values: [Double]
    var row: [Int]
    var isInteger: Bool

    static func floats(_ values: [Double], _ row: [Int] = []) -> Column {
      Column(values: values, row: row, isInteger: false)
    }
    static func integers(_ values: [Double], _ row: [Int] = []) -> Column {
      Column(values: values, row: row, isInteger: true)
    }
  }

  /// Writes a data set file and returns its path.
  @discardableResult
  func write(
    _ name: String, x: Column, y: Column, metadata: [String: String] = [:]
  ) throws -> String {
    let file = "\(path)/\(name).safetensors"
    func tensor(_ name: String, _ column: Column) -> SafetensorsTensor {
      let rows = column.values.count / column.row.reduce(1, *)
      return SafetensorsTensor(
        name: name, dtype: column.isInteger ? .int32 : .float32, shape: [rows] + column.row
      ) { sink in
        if column.isInteger {
          try column.values.map { Int32($0) }.withUnsafeBytes { try sink($0) }
        } else {
          try column.values.map { Float($0) }.withUnsafeBytes { try sink($0) }
        }
      }
    }
    try SafetensorsWriter.write([tensor("x", x), tensor("y", y)], metadata: metadata, to: file)
    return file
  }

  /// A job over `train.safetensors`.
  func configuration(_ layers: String, _ overrides: [String] = []) throws -> Configuration {
    try Configuration.load(
      yaml: """
        data: {train: train.safetensors}
        model: {layers: \(layers)}
        optimizer: {name: sgd, lr: 0.1}
        batch_size: 4
        steps: 2
        """, folder: path, overrides: overrides)
  }
}
