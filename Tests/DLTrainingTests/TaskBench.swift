import DLCore
import DLData
import DLFormats
import DLTensor
import DLTestSupport
import DLTraining
import Foundation

/// Small data of every kind in a folder of a test's own.
final class TaskBench: Bench {
  private let folder = TemporaryFolder()
  var path: String { folder.path }

  init() throws {
    var stream = RandomStream(RandomKey(23))
    let words = ["to", "be", "or", "not", "that", "is", "the", "question"]
    let text = (0..<160).map { _ in words[stream.upTo(words.count)] }.joined(separator: " ")
    try write(text, to: "text.txt")
    try _ = TextPacker.pack("\(path)/text.txt", output: "\(path)/text", split: .training(0.7))

    let sentences = (0..<20).map { _ in
      (0..<2 + stream.upTo(5)).map { _ in words[stream.upTo(words.count)] }
    }
    try write(sentences.map { $0.joined(separator: " ") + "\n" }.joined(), to: "pairs.de")
    try write(
      sentences.map { $0.reversed().joined(separator: " ") + "\n" }.joined(), to: "pairs.en")
    var packer = ParallelPacker()
    packer.vocabulary = 40
    _ = try packer.pack(
      [.init(source: "\(path)/pairs.de", target: "\(path)/pairs.en")], output: "\(path)/pairs")

    let pixels = (0..<21 * 28 * 28).map { _ in UInt8(stream.upTo(256)) }
    let labels = [Int32](repeating: 0, count: 21)
    try SafetensorsWriter.write(
      [
        SafetensorsTensor(name: "x", dtype: .uint8, shape: [21, 28, 28, 1]) { sink in
          try pixels.withUnsafeBytes { try sink($0) }
        },
        SafetensorsTensor(name: "y", dtype: .int32, shape: [21]) { sink in
          try labels.withUnsafeBytes { try sink($0) }
        },
      ], to: path + "/images.safetensors")

    let splits = ["train", "val", "test"]
    let nodes = (0..<40).map { node in
      let words = Set((0..<3).map { _ in stream.upTo(12) }).sorted().map(String.init)
      return "\(node)\t\(node % 3)\t\(splits[node % 3])\t\(words.joined(separator: " "))\n"
    }
    let edges = (1..<40).map { "\(stream.upTo($0))\t\($0)\n" }
    try File.makeFolder(path + "/cora")
    try write(
      "# node\tclass\tsplit\tindices of the words that occur (of 12)\n" + nodes.joined(),
      to: "cora/nodes.tsv")
    try write("# node\tnode\n" + edges.joined(), to: "cora/edges.tsv")
    _ = try CoraPacker.pack(
      directory: path + "/cora", output: path + "/cora.safetensors", words: 12)

    try _ = TextPacker.pack(
      "\(path)/text.txt", output: "\(path)/words", split: .training(0.7), words: WordCut())
    try writeTags(&stream)
    try strewObjects()
  }

  private func write(_ text: String, to name: String) throws {
    try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
  }
}
