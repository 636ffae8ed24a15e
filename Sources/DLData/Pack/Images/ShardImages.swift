import DLCore
import DLFormats

/// The images of tar shards as WebDataset has them, read in sequence.
///
/// Members of one key, the name up to its first dot, stand together, `KEY.jpg` and `KEY.cls` among
/// them.
final class ShardImages: ImageSource {
  private(set) var names = ImageNames()
  /// The texts of the `.cls` beside each image.
  private(set) var labels: [String] = []
  private var byteCounts: [Int] = []
  private let shards: [String]
  /// The number of the first image of each shard, and that of all images.
  private var starts = [0]
  private var cursor: Cursor?

  private static let longestLabel = 1 << 12

  /// Goes through all shards once.
  ///
  /// - Throws: `FormatError` naming shard and member.
  init(_ shards: [String]) throws {
    self.shards = shards
    for shard in shards {
      try list(shard)
      starts.append(names.paths.count)
    }
    guard !names.paths.isEmpty else {
      throw FormatError(
        .content, file: shards.first ?? "", "holds no .jpg, .jpeg or .png files",
        advice: "give shards of KEY.jpg and KEY.cls")
    }
  }

  func byteCount(_ index: Int) throws -> Int { byteCounts[index] }

  private func list(_ shard: String) throws {
    func fault(_ path: String, _ what: String, _ advice: String) -> FormatError {
      FormatError(.content, file: "\(shard):\(path)", what, advice: advice)
    }
    let reader = try TarReader(path: shard)
    var sample: (key: Substring, image: String?, label: String?)?
    func finish() throws {
      guard let found = sample else { return }
      sample = nil
      guard let image = found.image else { return }
      guard let label = found.label else {
        throw fault(image, "has no \(found.key).cls beside it", "give each image its class")
      }
      labels.append(label)
    }
    while let entry = try reader.next() {
      guard entry.kind != .folder, ImageNames.verdict(entry.path) != .hidden else { continue }
      guard entry.hasTextName else { throw ImageNames.notText("\(shard):\(entry.path)") }
      let (key, ending) = Self.parts(entry.path)
      if sample?.key.utf8.elementsEqual(key.utf8) != true {
        try finish()
        sample = (key, nil, nil)
      }
      if names.take(entry.path) == .image {
        guard entry.kind == .file else {
          throw fault(entry.path, "is a link or device", "pack the files themselves")
        }
        guard sample?.image == nil else {
          throw fault(entry.path, "is a second image of \(key)", "give each image a key of its own")
        }
        sample?.image = entry.path
        byteCounts.append(entry.byteCount)
      } else if ending == "cls" {
        let text = String(validating: try reader.read(limit: Self.longestLabel), as: UTF8.self)
        guard let label = text?.words().joined(separator: " "), !label.isEmpty else {
          throw fault(entry.path, "names no class", "give a number or a name")
        }
        sample?.label = label
      }
    }
    try finish()
  }

  /// The key, and the ending behind the name's first dot.
  private static func parts(_ path: String) -> (key: Substring, ending: Substring) {
    let name = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    guard let dot = path[name...].firstIndex(of: ".") else { return (path[...], "") }
    return (path[..<dot], path[path.index(after: dot)...])
  }

  private func shard(of index: Int) -> Int { (starts.firstIndex { $0 > index } ?? 1) - 1 }

  func name(_ index: Int) -> String { "\(shards[shard(of: index)]):\(paths[index])" }

  func bytes(_ index: Int) throws -> [UInt8] {
    let shard = shard(of: index)
    if cursor == nil || cursor?.shard != shard || cursor?.next ?? 0 > index {
      cursor = Cursor(shard: shard, next: starts[shard], reader: try TarReader(path: shards[shard]))
    }
    guard let bytes = try cursor?.read(index, of: paths) else {
      throw FormatError(
        .content, file: shards[shard], "changed while it was read",
        advice: "wait until it is complete")
    }
    return bytes
  }

  func peek(_ index: Int) throws -> [UInt8] {
    defer { cursor = nil }
    return try bytes(index)
  }

  /// The place where the reading of a shard stands.
  private struct Cursor {
    let shard: Int
    /// The number of the next image.
    var next: Int
    let reader: TarReader

    /// Goes on to an image; nil where the shard is another one now.
    mutating func read(_ index: Int, of paths: [String]) throws -> [UInt8]? {
      while let entry = try reader.next() {
        guard entry.kind == .file, ImageNames.verdict(entry.path) == .image else { continue }
        guard next < paths.count, entry.path.hasScalars(of: paths[next]) else { return nil }
        next += 1
        if next == index + 1 { return try reader.read(limit: ShardImages.largestFile) }
      }
      return nil
    }
  }
}
