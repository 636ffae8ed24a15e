import DLCore
import DLData
import DLFormats
import DLTestSupport
import Testing

/// NumPy's arrays as data sets.
@Suite struct NumPyPackTests {
  let folder = TemporaryFolder()

  private func archive(_ name: String) -> String {
    golden("numpy/\(name).npz", of: "DLFormatsTests")
  }

  private func pack(
    _ name: String = "stored", label: String? = nil, to output: String = "out",
    _ configure: (inout NumPyPacker) -> Void = { _ in }
  ) throws -> [String] {
    var packer = NumPyPacker()
    packer.split = .whole
    configure(&packer)
    return try packer.pack(
      archive: archive(name), input: "x", label: label, output: "\(folder.path)/\(output)"
    ).map(\.path)
  }

  @Test func archivesBecomeDataSets() throws {
    let whole = try pack()
    let dataset = try TensorFileDataset(path: whole[0])
    #expect(dataset.count == 12 && dataset.inputShape == [5] && dataset.inputType == .uint8)
    #expect(dataset.classCount == 3 && dataset.labelShape == [])
    #expect(try read(dataset, [0, 11]).x == (Array(0..<5) + (55..<60).map { $0 % 23 }))
    // The column-major, deflated one is the same file.
    let other = try pack("deflated", to: "other")
    #expect(try File.contents(of: other[0]) == File.contents(of: whole[0]))
  }

  @Test func floatsAreValues() throws {
    let dataset = try TensorFileDataset(path: pack("deflated", label: "targets")[0])
    #expect(dataset.labelType == .float32 && dataset.labelShape == [1])
    #expect(values(try read(dataset, [5]).y, as: Float.self) == [0.5])
    let named = try pack { ($0.isRegression, $0.inputs) = (true, .values) }
    let rows = try TensorFileDataset(path: named[0])
    #expect(rows.inputType == .float32 && rows.labelType == .float32)
  }

  @Test func partsHoldEachRowOnceAndTheirShareOfAClass() throws {
    let paths = try pack {
      $0.split = SplitPlan(shares: [0.5, 0.25, 0.25], isStratified: true, seed: 3)
      $0.classNames = ["red", "green", "blue"]
    }
    #expect(
      paths.map { File.split($0).name }
        == ["train", "validation", "test"].map { $0 + ".safetensors" })
    let whole = try TensorFileDataset(path: pack(to: "whole")[0])
    var rows = Set<[UInt8]>()
    for (path, share) in zipped(paths, [2, 1, 1]) {
      let part = try TensorFileDataset(path: path)
      #expect(part.classNames?.names == ["red", "green", "blue"])
      let classes = try #require(try part.rowClasses())
      for label in 0..<3 { #expect(classes.filter { $0 == label }.count == share) }
      for row in 0..<part.count { rows.insert(try read(part, [row]).x) }
    }
    #expect(rows == Set(try (0..<12).map { try read(whole, [$0]).x }))
    let folds = try pack(to: "folds") { $0.split = SplitPlan(folds: 3) }
    #expect(folds.count == 6)
  }

  @Test func whatDoesNotFitIsRefused() throws {
    #expect(refusal { _ = try pack(label: "z") }.contains("has no array \"z\""))
    #expect(
      refusal { _ = try pack { $0.classNames = ["a", "b"] } }.contains(
        "2 names for classes up to 2"))
    #expect(
      refusal { _ = try pack { $0.classNames = ["a", "a", "b"] } }.contains("names a class twice"))
    #expect(
      refusal {
        _ = try pack("deflated", label: "targets") { $0.split.isStratified = true }
      }.contains("are no classes"))
    #expect(
      refusal {
        _ = try NumPyPacker().pack(archive("stored"), labels: nil, output: folder.path)
      }.contains("is NumPy arrays (.npz), not a NumPy array (.npy)"))
  }

  /// Without labels there is x alone, to predict.
  @Test func inputsAloneArePacked() throws {
    var notices: [String] = []
    var packer = NumPyPacker()
    packer.split = .whole
    packer.notice = { notices.append($0) }
    let files = try SafetensorsFile(path: golden("numpy/arrays.safetensors", of: "DLFormatsTests"))
    let path = try folder.write(files.bytes("file/little-f8-F"))
    let packed = try packer.pack(path, labels: nil, output: "\(folder.path)/x.safetensors")
    let file = try SafetensorsFile(path: packed[0].path)
    #expect(file.tensors.map(\.name) == ["x"] && notices.count == 1)
    #expect(try file.bytes("x") == files.bytes("little-f8/float"))
  }
}
