import DLCore
import DLData
import DLFormats
import DLTensor
import DLTestSupport
import Testing

/// Parts of a data set, each to be validated on once.
@Suite struct FoldsTests {
  /// Classes of very different sizes, one of which has fewer rows than there are parts.
  static let labels: [Int32] = (0..<203).map { $0 % 7 == 0 ? 5 : $0 % 3 == 0 ? 2 : $0 < 3 ? 9 : 0 }

  @Test(arguments: [2, 3, 5, 10])
  func everyRowIsInOnePartAndClassesAreSpread(count: Int) throws {
    let folds = try Folds(count: count, rows: 203, labels: Self.labels, seed: 4)
    #expect(folds.parts.count == count)
    #expect(folds.parts.flatMap(\.self).sorted() == Array(0..<203))
    let sizes = folds.parts.map(\.count)
    #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1, "\(sizes)")
    for label in Set(Self.labels) {
      let counts = folds.parts.map { part in part.count { Self.labels[$0] == label } }
      #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1, "class \(label): \(counts)")
    }
    for part in 0..<count {
      #expect((folds.parts[part] + folds.others(than: part)).sorted() == Array(0..<203))
      #expect(folds.parts[part] == folds.parts[part].sorted())
    }
  }

  @Test func theSeedAloneDecides() throws {
    let one = try Folds(count: 5, rows: 203, labels: Self.labels, seed: 1)
    #expect(try Folds(count: 5, rows: 203, labels: Self.labels, seed: 1) == one)
    #expect(try Folds(count: 5, rows: 203, labels: Self.labels, seed: 2) != one)
    let plain = try Folds(count: 4, rows: 10, labels: nil, seed: 1)
    #expect(plain.parts.map(\.count) == [3, 3, 2, 2])
    #expect(plain.parts.flatMap(\.self).sorted() == Array(0..<10))
  }

  @Test func tooFewRowsAreRefused() {
    expect("data.folds: 4 parts of 3 rows, give 2 to 3", as: DataError.self) {
      try Folds(count: 4, rows: 3, labels: nil, seed: 1)
    }
  }

  /// What lies behind a row's end stays padding in a fold.
  @Test func aSubsetHasTheLengthsOfItsRows() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/padded.safetensors"
    let x = SafetensorsTensor(name: "x", dtype: .float32, shape: [4, 3, 2]) { sink in
      try [Float](repeating: 1, count: 24).withUnsafeBytes { try sink($0) }
    }
    let numbers = [("y", [0, 1, 0, 1]), ("lengths", [3, 1, 2, 3])].map { name, values in
      SafetensorsTensor(name: name, dtype: .int32, shape: [4]) { sink in
        try values.map { Int32($0) }.withUnsafeBytes { try sink($0) }
      }
    }
    try SafetensorsWriter.write([x] + numbers, to: path)
    let base = try TensorFileDataset(path: path)
    #expect(base.inputLengths == [3, 1, 2, 3])
    let subset = SubsetDataset(of: base, rows: [2, 1])
    #expect(subset.inputLengths == [2, 1] && subset.rowLengths == [2, 1])
  }

  @Test func aSubsetReadsTheRowsOfItsBase() throws {
    let base = try SyntheticDataset(shape: [3], classes: 4, count: 20, seed: 1)
    let chosen = [17, 3, 4, 5, 0]
    let subset = SubsetDataset(of: base, rows: chosen)
    #expect(subset.count == 5 && subset.inputShape == [3] && subset.classCount == 4)
    func read(_ dataset: any Dataset, _ rows: [Int]) throws -> ([Float], [Int32]) {
      var x = [Float](repeating: 0, count: rows.count * 3)
      var y = [Int32](repeating: 0, count: rows.count)
      try rows.withUnsafeBufferPointer { rows in
        try x.withUnsafeMutableBytes { x in
          try y.withUnsafeMutableBytes { try dataset.read(rows: rows, inputs: x, labels: $0) }
        }
      }
      return (x, y)
    }
    let (mine, theirs) = (try read(subset, [4, 0, 1]), try read(base, [0, 17, 3]))
    #expect(mine.0 == theirs.0 && mine.1 == theirs.1)
    #expect(try subset.rowClasses() == read(base, chosen).1)
  }
}
