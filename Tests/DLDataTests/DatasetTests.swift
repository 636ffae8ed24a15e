import DLCluster
import DLCore
import DLData
import DLFormats
import DLTensor
import DLTestSupport
import Glibc
import Testing

@Suite struct DatasetTests {
  let folder = TemporaryFolder()

  private func write(_ tensors: [SafetensorsTensor], _ metadata: [String: String] = [:]) throws
    -> String
  {
    let path = "\(folder.path)/data.safetensors"
    try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
    return path
  }

  @Test func readsRowsInAnyOrder() throws {
    let path = try write([
      tensor("x", .uint8, [4, 2, 1], [UInt8](0..<8)),
      tensor("y", .int32, [4], [Int32]([3, 0, 1, 2])),
    ])
    let dataset = try TensorFileDataset(path: path)
    #expect(dataset.count == 4)
    #expect(dataset.inputShape == [2, 1])
    #expect(dataset.classCount == 4)
    let (x, y) = try read(dataset, [2, 3, 0, 0, 1])
    #expect(x == [4, 5, 6, 7, 0, 1, 0, 1, 2, 3])
    #expect(values(y, as: Int32.self) == [1, 2, 3, 3, 0])
  }

  /// What other programs write: labels of U8, BOOL or I64, tokens of I64, values of F64.
  @Test func readsOtherTypesWithoutLoss() throws {
    for (type, labels) in [
      (SafetensorsType.uint8, [UInt8]([2, 0, 1]).map { [$0] }),
      (.int64, [Int64]([2, 0, 1]).map { withUnsafeBytes(of: $0) { Array($0) } }),
    ] {
      let path = try write([
        tensor("x", .float64, [3, 2], [Double]([0.5, -1, 3, 1e6, .infinity, 0])),
        SafetensorsTensor(name: "y", dtype: type, shape: [3]) { sink in
          try labels.flatMap { $0 }.withUnsafeBytes { try sink($0) }
        },
      ])
      let dataset = try TensorFileDataset(path: path)
      #expect(dataset.inputType == .float32 && dataset.labelType == .int32)
      #expect(dataset.classCount == 3)
      let (x, y) = try read(dataset, [1, 2, 0])
      #expect(values(x, as: Float.self) == [3, 1e6, .infinity, 0, 0.5, -1])
      #expect(values(y, as: Int32.self) == [0, 1, 2])
    }
    let tokens = try write([
      tensor("x", .int64, [2, 2], [Int64]([7, 8, 9, 10])), tensor("y", .float64, [2], [0.25, 2.0]),
    ])
    let dataset = try TensorFileDataset(path: tokens)
    #expect(dataset.inputType == .int32 && dataset.labelType == .float32)
    #expect(values(try read(dataset, [1]).x, as: Int32.self) == [9, 10])
    let rounded = try write([
      tensor("x", .float64, [2, 1], [Double]([0.5, 0.1])),
      tensor("y", .int32, [2], [Int32]([0, 1])),
    ])
    #expect(
      refusal { _ = try read(TensorFileDataset(path: rounded), [0, 1]) }.hasSuffix(
        "row 1: x has 0.1, which is no F32, convert x to F32"))
    let large = try write([
      tensor("x", .float32, [2, 1], [Float]([0, 1])),
      tensor("y", .int64, [2], [Int64]([0, 3_000_000_000])),
    ])
    #expect(
      refusal { _ = try TensorFileDataset(path: large) }.contains(
        "row 1: y has 3000000000, which is no I32"))
  }

  @Test func classesComeFromTheCallerTheMetadataOrTheLabels() throws {
    let tensors = [
      tensor("x", .float32, [2, 1], [Float](repeating: 0, count: 2)),
      tensor("y", .int32, [2], [Int32]([0, 4])),
    ]
    let path = try write(tensors, ["classes": "7"])
    #expect(try TensorFileDataset(path: path, classes: 9).classCount == 9)
    #expect(try TensorFileDataset(path: path).classCount == 7)
    #expect(try TensorFileDataset(path: write(tensors)).classCount == 5)
    for text in ["x", "0", "-1", "4"] {
      #expect(throws: FormatError.self) {
        try TensorFileDataset(path: write(tensors, ["classes": text]))
      }
    }
  }

  @Test func valuesAsLabels() throws {
    let path = try write([
      tensor("x", .float32, [2, 1], [Float]([1, 2])),
      tensor("y", .float32, [2, 3], [Float]([0, 1, 2, 3, 4, -5])),
    ])
    let dataset = try TensorFileDataset(path: path)
    #expect(dataset.classCount == nil)
    #expect(dataset.labelShape == [3])
    #expect(values(try read(dataset, [1]).y, as: Float.self) == [3, 4, -5])
  }

  @Test func namesARowWhoseLabelIsOutside() throws {
    let labels = [Int32](repeating: 1, count: 100_000)
    for (row, value) in [(0, -1), (99_999, 10), (70_000, Int32.max)] {
      var bad = labels
      bad[row] = Int32(value)
      let path = try write([
        tensor("x", .uint8, [100_000], [UInt8](repeating: 0, count: 100_000)),
        tensor("y", .int32, [100_000], bad),
      ])
      do {
        _ = try TensorFileDataset(path: path, classes: 10)
        Issue.record("accepted label \(value)")
      } catch let error as FormatError {
        #expect(error.exitCode == ExitCode.data)
        #expect(error.description.contains("row \(row) has label \(value)"))
        #expect(error.description.contains("0 to 9"))
      }
    }
  }

  @Test func lengthsLieWithinTheRows() throws {
    for (length, isRight) in [(3, true), (0, true), (4, false), (-1, false)] {
      let path = try write([
        tensor("x", .int32, [2, 3], [Int32](repeating: 1, count: 6)),
        tensor("y", .int32, [2, 2], [Int32](repeating: 1, count: 4)),
        tensor("lengths", .int32, [2, 2], [1, 1, 2, Int32(length)]),
      ])
      let fault = refusal { _ = try TensorFileDataset(path: path) }
      #expect(
        fault.contains("row 1: lengths has \(length), outside 0 to 3") == !isRight, "\(fault)")
    }
  }

  @Test func aFileThatIsWrittenToIsRefusedWhenRead() throws {
    let path = try write([
      tensor("x", .uint8, [2], [UInt8]([0, 0])), tensor("y", .int32, [2], [Int32]([0, 1])),
    ])
    let dataset = try TensorFileDataset(path: path)
    let bytes = try File.contents(of: path)
    let position = try SafetensorsFile(path: path).info("y").bytes.lowerBound
    let file = try File(path, .update)
    var changed = bytes
    changed[position + 4] = 9
    _ = try read(dataset, [0, 1])
    // A file system's clock may tick every few milliseconds only.
    usleep(20_000)
    try changed.withUnsafeBytes { try file.write($0) }
    #expect(throws: FormatError.self) { _ = try read(dataset, [0]) }
  }

  @Test func refusesFilesThatAreNoDataSet() throws {
    let x = tensor("x", .uint8, [2, 1], [UInt8]([0, 0]))
    let y = tensor("y", .int32, [2], [Int32]([0, 1]))
    let cases: [[SafetensorsTensor]] = [
      [x], [y], [],
      [x, tensor("y", .int32, [1], [Int32]([0]))],
      [x, tensor("y", .uint16, [2], [UInt16]([0, 1]))],
      [tensor("x", .int8, [2, 1], [Int8]([0, 0])), y],
      [tensor("x", .uint8, [], [UInt8]([0])), tensor("y", .int32, [], [Int32]([0]))],
      [tensor("x", .uint8, [0, 1], [UInt8]()), tensor("y", .int32, [0], [Int32]())],
      [tensor("x", .uint8, [2, 0], [UInt8]()), y],
    ]
    for tensors in cases {
      #expect(throws: FormatError.self) { try TensorFileDataset(path: write(tensors)) }
    }
  }

  @Test func syntheticRowsDependOnSeedAndRow() throws {
    let dataset = try SyntheticDataset(shape: [20, 20, 3], classes: 10, count: 500, seed: 1)
    let again = try SyntheticDataset(shape: [20, 20, 3], classes: 10, count: 500, seed: 1)
    let both = try read(dataset, [5, 6])
    let one = try read(again, [6])
    #expect(Array(both.x[4800...]) == one.x)
    #expect(Array(both.y[4...]) == one.y)
    #expect(Array(both.x[..<4800]) != one.x)
    let other = try SyntheticDataset(shape: [20, 20, 3], classes: 10, count: 500, seed: 2)
    #expect(try read(other, [6]).x != one.x)
    let all = try read(dataset, Array(0..<500))
    let x = values(all.x, as: Float.self).map(Double.init)
    let mean = x.reduce(0, +) / Double(x.count)
    let square = x.map { $0 * $0 }.reduce(0, +) / Double(x.count)
    #expect(abs(mean) < 0.02 && abs(square - 1) < 0.03)
    #expect(Set(values(all.y, as: Int32.self)) == Set(0..<10))
  }

  @Test func syntheticTokensAreFollowedByTheNext() throws {
    let dataset = try SyntheticTokenDataset(tokens: 600, vocabulary: 11, count: 40, seed: 1)
    let again = try SyntheticTokenDataset(tokens: 600, vocabulary: 11, count: 40, seed: 1)
    let both = try read(dataset, [5, 6])
    let (x, y) = (values(both.x, as: Int32.self), values(both.y, as: Int32.self))
    for row in 0..<2 {
      #expect(x[row * 600 + 1..<(row + 1) * 600] == y[row * 600..<(row + 1) * 600 - 1])
    }
    #expect(Array(x[600...]) == values(try read(again, [6]).x, as: Int32.self))
    #expect(x[..<600] != x[600...])
    let other = try SyntheticTokenDataset(tokens: 600, vocabulary: 11, count: 40, seed: 2)
    #expect(try read(other, [6]).x != Array(both.x[2400...]))
    // 24,000 tokens of 11 kinds: each within a tenth of its share.
    let all = values(try read(dataset, Array(0..<40)).x, as: Int32.self)
    for token in Int32(0)..<11 {
      let share = Double(all.count { $0 == token }) * 11 / Double(all.count)
      #expect(abs(share - 1) < 0.1, "\(token)")
    }
    #expect(all.allSatisfy { (0..<11).contains($0) })
    for (tokens, vocabulary, count) in [(0, 2, 1), (1 << 40, 2, 1), (1, 0, 1), (1, 2, 0)] {
      #expect(throws: DataError.self) {
        try SyntheticTokenDataset(tokens: tokens, vocabulary: vocabulary, count: count, seed: 1)
      }
    }
  }

  @Test func syntheticRefusesSizesWithoutSense() {
    for (shape, classes, count) in [
      ([0], 1, 1), ([1], 0, 1), ([1], 1, 0), ([Int.max, 2], 1, 1), ([1], 1, Int.max),
      ([Int](repeating: 1, count: 8), 1, 1),
    ] {
      #expect(throws: DataError.self) {
        try SyntheticDataset(shape: shape, classes: classes, count: count, seed: 0)
      }
    }
  }
}
