import DLCore
import DLFormats

/// A place that image files come from, by number, best asked for in the order of the numbers.
protocol ImageSource: AnyObject {
  /// The names of the files.
  var names: ImageNames { get }

  /// The name of a file in a fault.
  func name(_ index: Int) -> String
  /// The length of a file.
  func byteCount(_ index: Int) throws -> Int
  /// The content of a file, asked for once.
  func bytes(_ index: Int) throws -> [UInt8]
  /// The content of a file that will be asked for again.
  func peek(_ index: Int) throws -> [UInt8]
}

extension ImageSource {
  /// The names of the image files, as `SPLIT/CLASS/FILE`, perhaps with folders in front.
  var paths: [String] { names.paths }
  /// The first file that is no image by its name, and the number of such files.
  var passedOver: (first: String?, count: Int) { names.passedOver }

  static var largestFile: Int { 1 << 28 }
}

/// The image files below a folder, sorted by name.
final class ImageFolder: ImageSource {
  private static let deepest = 6

  private(set) var names = ImageNames()
  private let folder: String

  init(path: String) throws {
    folder = path
    try walk("", depth: 0)
  }

  private func walk(_ inner: String, depth: Int) throws {
    guard depth <= Self.deepest else {
      throw FormatError(
        .content, file: "\(folder)/\(inner)", "lies too deep",
        advice: "arrange the images as SPLIT/CLASS/FILE or CLASS/FILE")
    }
    for name in try File.list(inner.isEmpty ? folder : "\(folder)/\(inner)")
    where !ImageNames.isHidden(name) {
      let path = inner.isEmpty ? name : "\(inner)/\(name)"
      // What is not UTF-8 has U+FFFD in its place, and no file has that name.
      if name.unicodeScalars.contains("\u{fffd}"), !File.exists("\(folder)/\(path)") {
        throw ImageNames.notText("\(folder)/\(path)")
      }
      if try File.kind(of: "\(folder)/\(path)") == .folder {
        try walk(path, depth: depth + 1)
      } else {
        _ = names.take(path)
      }
    }
  }

  func name(_ index: Int) -> String { "\(folder)/\(paths[index])" }

  func byteCount(_ index: Int) throws -> Int { try File(name(index), .read).byteCount() }

  func bytes(_ index: Int) throws -> [UInt8] {
    try File.contents(of: name(index), limit: Self.largestFile)
  }

  func peek(_ index: Int) throws -> [UInt8] { try bytes(index) }
}

/// The image files of a tar archive, plain or gzip, which is read twice as a stream, and once more up
/// to the file that decides the shape.
///
/// A file asked for out of the archive's order is held in memory, packed as it is, until then.
final class ImageArchive: ImageSource {
  private static let mostHeldBytes = 1 << 33

  private(set) var names = ImageNames()
  private let archive: String
  private let reader: TarReader
  private var byteCounts: [Int] = []
  private var position = 0
  private var held: [Int: [UInt8]] = [:]
  private var heldBytes = 0

  init(path: String) throws {
    archive = path
    reader = try TarReader(path: path)
    let reader = try TarReader(path: path)
    while let entry = try reader.next() {
      guard entry.kind != .folder, names.take(entry.path) == .image else { continue }
      guard entry.hasTextName else { throw ImageNames.notText("\(path):\(entry.path)") }
      guard entry.kind == .file else {
        throw FormatError(
          .content, file: "\(path):\(entry.path)", "is a link or device, not a file",
          advice: "pack the archive anew with the files themselves (tar --dereference)")
      }
      byteCounts.append(entry.byteCount)
    }
  }

  func name(_ index: Int) -> String { "\(archive):\(paths[index])" }

  func byteCount(_ index: Int) throws -> Int { byteCounts[index] }

  func bytes(_ index: Int) throws -> [UInt8] {
    if let bytes = held.removeValue(forKey: index) {
      heldBytes -= bytes.count
      return bytes
    }
    while let bytes = try next(of: reader, number: position) {
      defer { position += 1 }
      if position == index { return try bytes() }
      let held = try bytes()
      heldBytes += held.count
      guard heldBytes <= Self.mostHeldBytes else {
        throw FormatError(
          .content, file: archive, "its order would need \(heldBytes) bytes of memory",
          advice: "unpack it and give the folder")
      }
      self.held[position] = held
    }
    throw changed
  }

  func peek(_ index: Int) throws -> [UInt8] {
    let reader = try TarReader(path: archive)
    for number in paths.indices {
      guard let bytes = try next(of: reader, number: number) else { break }
      if number == index { return try bytes() }
    }
    throw changed
  }

  /// The reader of the archive's next image, which is `number`; nil where it is another one now.
  private func next(of reader: TarReader, number: Int) throws -> (() throws -> [UInt8])? {
    while let entry = try reader.next() {
      guard entry.kind == .file, ImageNames.verdict(entry.path) == .image else { continue }
      guard number < paths.count, entry.path.hasScalars(of: paths[number]) else { return nil }
      return { try reader.read(limit: Self.largestFile) }
    }
    return nil
  }

  private var changed: FormatError {
    FormatError(
      .content, file: archive, "changed while it was read", advice: "wait until it is complete")
  }
}
