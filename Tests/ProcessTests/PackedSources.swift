import DLFormats
import DLTestSupport
import Foundation
import Testing

/// What every packer can read, small, in a folder.
enum PackedSources {
  /// A packer's command, and how many rows it makes.
  struct Source: Sendable {
    let command: String
    let rows: Int
    /// Whether rows can be dealt out to folds.
    var hasFolds = true
    /// The files that stay as they are, beside the parts.
    var beside: [String] = []
  }

  static let all = [
    Source(command: "csv table.csv --label class", rows: 24),
    Source(command: "npy x.npy y.npy", rows: 24),
    Source(command: "npz arrays.npz", rows: 12),
    Source(command: "sentences no.txt yes.txt", rows: 24),
    Source(command: "audio sounds --label {class}_{index} --class class --mels 4", rows: 24),
    Source(command: "graphs graphs", rows: 24),
    Source(command: "images pictures", rows: 24),
    Source(command: "tar shard-{0..1}.tar", rows: 24),
    Source(command: "tar shard-*.tar", rows: 24),
    Source(command: "mnist mnist", rows: 24, beside: ["test"]),
    Source(command: "images parts", rows: 24, beside: ["test"]),
    Source(command: "conllu tagged.conllu", rows: 24),
    Source(command: "parallel a.de a.en --vocabulary 30", rows: 24),
    Source(command: "text a.en", rows: 24, hasFolds: false),
    Source(command: "cora cora --features 30", rows: 24, hasFolds: false),
  ]

  static func write(to folder: String) throws {
    func put(_ name: String, _ text: String) throws {
      try FileManager.default.createDirectory(
        atPath: ("\(folder)/\(name)" as NSString).deletingLastPathComponent,
        withIntermediateDirectories: true)
      try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    }
    func put(_ name: String, _ bytes: [UInt8]) throws {
      try put(name, "")
      try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    let places = Array(0..<24)
    try put("table.csv", "id,class\n" + places.map { "\($0),\(["a", "b"][$0 % 2])\n" }.joined())
    try put("x.npy", npy("<i4", [24, 2], places.flatMap { [UInt8($0), 0, 0, 0, 7, 0, 0, 0] }))
    try put("y.npy", npy("|u1", [24], places.map { UInt8($0 % 2) }))
    try FileManager.default.copyItem(
      atPath: golden("numpy/deflated.npz", of: "DLFormatsTests"), toPath: folder + "/arrays.npz")
    for (name, first) in [("no", 0), ("yes", 12)] {
      try put("\(name).txt", (first..<first + 12).map { "word\($0) \(name)\n" }.joined())
    }
    let wav = try [UInt8](
      Data(contentsOf: URL(fileURLWithPath: golden("pcm16.wav", of: "DLFormatsTests"))))
    for place in places { try put("sounds/\(["a", "b"][place % 2])_\(place).wav", wav) }
    try put("graphs/G_A.txt", places.map { "\(2 * $0 + 1), \(2 * $0 + 2)\n" }.joined())
    try put("graphs/G_graph_indicator.txt", places.map { "\($0 + 1)\n\($0 + 1)\n" }.joined())
    try put("graphs/G_graph_labels.txt", places.map { "\($0 % 2)\n" }.joined())
    for place in places {
      let pixels = (0..<48).map { UInt8(($0 * 5 + place) % 256) }
      let image = try RasterImage(height: 4, width: 4, channels: 3, pixels: pixels)
      let kind = ["cat", "dog"][place % 2]
      for name in ["pictures/\(kind)/\(place).png", "parts/train/\(kind)/\(place).png"] {
        try put(name, "")
        try image.writePNG(to: "\(folder)/\(name)")
      }
      let shard = "shard-\(place / 12)"
      try put("\(shard)/\(place).png", "")
      try image.writePNG(to: "\(folder)/\(shard)/\(place).png")
      try put("\(shard)/\(place).cls", kind)
    }
    for kind in ["cat", "dog"] {
      try put("parts/test/\(kind)/0.png", "")
      try FileManager.default.removeItem(atPath: "\(folder)/parts/test/\(kind)/0.png")
      try FileManager.default.copyItem(
        atPath: "\(folder)/pictures/cat/0.png", toPath: "\(folder)/parts/test/\(kind)/0.png")
    }
    for shard in ["shard-0", "shard-1"] {
      let packed = try Program.startCommand(
        ["tar", "--sort=name", "-cf", "\(shard).tar", "-C", shard, "."], in: folder
      ).wait()
      #expect(packed.status == 0, "\(packed.errors)")
    }
    for (part, count) in [("train", 24), ("t10k", 3)] {
      let images = [0, 0, 8, 3, 0, 0, 0, UInt8(count), 0, 0, 0, 2, 0, 0, 0, 2]
      try put("mnist/\(part)-images-idx3-ubyte", images + (0..<4 * count).map { UInt8($0) })
      let labels = [0, 0, 8, 1, 0, 0, 0, UInt8(count)]
      try put("mnist/\(part)-labels-idx1-ubyte", labels + (0..<count).map { UInt8($0 % 2) })
    }
    try put(
      "tagged.conllu",
      places.map { "1\tw\($0)\t_\tNOUN\t_\t_\t0\troot\t_\t_\n\n" }.joined())
    for name in ["a.de", "a.en"] {
      try put(name, places.map { "the \($0 % 7) of \($0)\n" }.joined())
    }
    try put(
      "cora/nodes.tsv", places.map { "\($0)\t\($0 % 2)\t-\t\($0)\n" }.joined())
    try put("cora/edges.tsv", places.dropFirst().map { "0\t\($0)\n" }.joined())
  }

  /// A NumPy array of format version 1.
  static func npy(_ type: String, _ shape: [Int], _ bytes: [UInt8]) -> [UInt8] {
    let sizes = shape.map { "\($0)," }.joined(separator: " ")
    let header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(sizes)), }\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0]
      + Array(header.utf8) + bytes
  }
}
