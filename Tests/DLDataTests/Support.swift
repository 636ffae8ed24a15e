import DLData
import DLFormats
import DLTensor

/// A data set whose input and label are the row's number.
final class CountingDataset: Dataset {
  let count: Int
  let inputShape = [1]
  let inputType = DType.float32
  let labelShape: [Int] = []
  let labelType = DType.int32
  let classCount: Int?

  init(count: Int) {
    self.count = count
    classCount = count
  }

  func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws {
    precondition(inputs.count == 4 * rows.count && labels.count == 4 * rows.count)
    for (index, row) in rows.enumerated() {
      inputs.storeBytes(of: Float(row), toByteOffset: 4 * index, as: Float.self)
      labels.storeBytes(of: Int32(row), toByteOffset: 4 * index, as: Int32.self)
    }
  }
}

func tensor<T>(
  _ name: String, _ dtype: SafetensorsType, _ shape: [Int], _ values: [T]
) -> SafetensorsTensor {
  SafetensorsTensor(name: name, dtype: dtype, shape: shape) { sink in
    try values.withUnsafeBytes { try sink($0) }
  }
}

/// Rows of a data set: inputs as bytes, labels as bytes.
func read(_ dataset: any Dataset, _ rows: [Int]) throws -> (x: [UInt8], y: [UInt8]) {
  var x = [UInt8](repeating: 0, count: rows.count * dataset.inputByteCount)
  var y = [UInt8](repeating: 0, count: rows.count * dataset.labelByteCount)
  try rows.withUnsafeBufferPointer { rows in
    try x.withUnsafeMutableBytes { x in
      try y.withUnsafeMutableBytes { y in try dataset.read(rows: rows, inputs: x, labels: y) }
    }
  }
  return (x, y)
}

/// What one rank was given, copied out of the loader's buffers.
struct LoadedPart: Equatable {
  var step: Int
  var globalRows: Int
  var rowOffset: Int
  var samples: [Int]
  var x: [Float]
  var y: [Int32]
}

/// All micro-batches that a loader of a CountingDataset yields.
func drain(_ loader: BatchLoader) throws -> [LoadedPart] {
  var parts: [LoadedPart] = []
  while let batch = try loader.next() {
    for part in batch.microBatches {
      let x = part.x.assumingMemoryBound(to: Float.self)
      let y = part.y.assumingMemoryBound(to: Int32.self)
      parts.append(
        LoadedPart(
          step: batch.step, globalRows: part.globalRows, rowOffset: part.rowOffset,
          samples: Array(part.sampleIndices), x: (0..<part.rows).map { x[$0] },
          y: (0..<part.rows).map { y[$0] }))
    }
  }
  return parts
}
