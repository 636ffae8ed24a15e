import DLFormats
import DLTestSupport
import Foundation

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
    try writeRows(in: folder)
    try ExportedModel.train(job, in: folder)
  }

  /// Writes the rows that it trains on.
  func writeRows(in folder: String) throws {
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
  }

  /// Trains and exports it.
  func write(in folder: String) throws {
    try train(in: folder)
    try ExportedModel.export(in: folder, name: name, isONNX: isONNX)
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
