import DLCluster
import DLCore
import DLData
import DLFormats
import DLTestSupport
import Foundation
import Testing

@Suite struct PackTests {
  let folder = TemporaryFolder()

  private func idx(_ name: String, _ shape: [UInt8], _ bytes: [UInt8]) throws {
    let file = try File("\(folder.path)/\(name)", .create)
    let header: [UInt8] = [0, 0, 8, UInt8(shape.count)] + shape.flatMap { [0, 0, 0, $0] }
    try (header + bytes).withUnsafeBytes { try file.write($0) }
  }

  private func writeSmall(labels: [UInt8] = [1, 9, 4]) throws {
    for prefix in ["train", "t10k"] {
      try idx("\(prefix)-images-idx3-ubyte", [3, 2, 2], Array(0..<12))
      try idx("\(prefix)-labels-idx1-ubyte", [UInt8(labels.count)], labels)
    }
  }

  @Test func packsSmallFiles() throws {
    try writeSmall()
    let output = "\(folder.path)/out/deep"
    let files = try MNISTPacker.packMNIST(directory: folder.path, output: output)
    #expect(files.map(\.path) == ["\(output)/train.safetensors", "\(output)/test.safetensors"])
    let dataset = try TensorFileDataset(path: files[1].path)
    #expect(dataset.inputShape == [2, 2, 1])
    #expect(dataset.classCount == 10)
    let (x, y) = try read(dataset, [2, 0])
    #expect(x == [8, 9, 10, 11, 0, 1, 2, 3])
    #expect(values(y, as: Int32.self) == [4, 1])
  }

  @Test func refusesFilesThatDoNotBelongTogether() throws {
    func refused() throws -> FormatError? {
      do {
        _ = try MNISTPacker.packMNIST(directory: folder.path, output: "\(folder.path)/out")
      } catch let error as FormatError {
        return error
      }
      return nil
    }
    #expect(try refused()?.exitCode == ExitCode.io)
    try writeSmall(labels: [1, 2])
    #expect(try refused()?.exitCode == ExitCode.data)
    try writeSmall()
    try idx("t10k-images-idx3-ubyte", [3, 2, 2], Array(0..<11))
    #expect(try refused()?.file.hasSuffix("t10k-images-idx3-ubyte") == true)
    #expect(!File.exists("\(folder.path)/out"))
  }

  @Test(.needs(.mnist))
  func packsMNIST() throws {
    let files = try MNISTPacker.packMNIST(directory: SharedData.mnist.path, output: folder.path)
    #expect(files.map(\.shape) == [[60000, 28, 28, 1], [10000, 28, 28, 1]])
    let dataset = try TensorFileDataset(path: files[0].path)
    #expect(dataset.classCount == 10)
    // The first labels of the published files, and the mean intensity 0.1307.
    let (x, y) = try read(dataset, Array(0..<60000))
    let labels = values(y, as: Int32.self)
    #expect(Array(labels[..<10]) == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
    let mean = Double(x.reduce(0) { $0 + Int($1) }) / Double(x.count) / 255
    #expect(abs(mean - 0.1307) < 5e-5)
  }

  @Test func embeddedDigitsAreADataSet() throws {
    let resources =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
      + "/../../Sources/DLData/Resources"
    for (name, count) in [("train", 1437), ("validation", 360)] {
      let dataset = try TensorFileDataset(path: "\(resources)/digits-\(name).safetensors")
      #expect(dataset.count == count)
      #expect(dataset.inputShape == [8, 8, 1])
      #expect(dataset.classCount == 10)
    }
  }
}
