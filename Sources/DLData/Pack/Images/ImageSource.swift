import DLFormats

/// A place that image files come from, by number, best asked for in the order of the numbers.
protocol ImageSource: AnyObject {
  /// The names of the image files, as `SPLIT/CLASS/FILE`, perhaps with folders in front.
  var paths: [String] { get }
  /// The first file that is no image by its name, and the number of such files.
  var passedOver: (first: String?, count: Int) { get }

  /// How a fault names a file.
  func name(_ index: Int) -> String
  /// The content of a file.
  func bytes(_ index: Int) throws -> [UInt8]
}

extension ImageSource {
  /// Whether a name ends as those of JPEG and PNG files do, and is not hidden.
  static func isImage(_ path: String) -> Bool {
    let name = path.split(separator: "/").last ?? ""
    return !name.hasPrefix(".")
      && [".jpg", ".jpeg", ".png"].contains { name.lowercased().hasSuffix($0) }
  }

  static var largestFile: Int { 1 << 28 }
}

/// The image files below a folder, sorted by name.
final class ImageFolder: ImageSource {
  private static let deepest = 6

  private(set) var paths: [String] = []
  private(set) var passedOver: (first: String?, count: Int) = (nil, 0)
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
    where !name.hasPrefix(".") {
      let path = inner.isEmpty ? name : "\(inner)/\(name)"
      if try File.kind(of: "\(folder)/\(path)") == .folder {
        try walk(path, depth: depth + 1)
      } else if Self.isImage(name) {
        paths.append(path)
      } else {
        passedOver = (passedOver.first ?? path, passedOver.count + 1)
      }
    }
  }

  func name(_ index: Int) -> String { "\(folder)/\(paths[index])" }

  func bytes(_ index: Int) throws -> [UInt8] {
    try File.contents(of: name(index), limit: Self.largestFile)
  }
}

/// The image files of a tar archive, plain or gzip, which is read twice as a stream.
///
/// A file asked for out of the archive's order is held in memory, packed as it is, until then.
final class ImageArchive: ImageSource {
  private static let mostHeldBytes = 1 << 33

  private(set) var paths: [String] = []
  private(set) var passedOver: (first: String?, count: Int) = (nil, 0)
  private let archive: String
  private let reader: TarReader
  private var position = 0
  private var held: [Int: [UInt8]] = [:]
  private var heldBytes = 0

  init(path: String) throws {
    archive = path
    reader = try TarReader(path: path)
    let reader = try TarReader(path: path)
    while let entry = try reader.next() {
      guard entry.kind != .folder else { continue }
      guard Self.isImage(entry.path) else {
        passedOver = (passedOver.first ?? entry.path, passedOver.count + 1)
        continue
      }
      guard entry.kind == .file else {
        throw FormatError(
          .content, file: "\(path):\(entry.path)", "is a link or device, not a file",
          advice: "pack the archive anew with the files themselves (tar --dereference)")
      }
      paths.append(entry.path)
    }
  }

  func name(_ index: Int) -> String { "\(archive):\(paths[index])" }

  func bytes(_ index: Int) throws -> [UInt8] {
    if let bytes = held.removeValue(forKey: index) {
      heldBytes -= bytes.count
      return bytes
    }
    while let entry = try reader.next() {
      guard entry.kind == .file, Self.isImage(entry.path) else { continue }
      defer { position += 1 }
      guard position < paths.count, entry.path == paths[position] else { break }
      let bytes = try reader.read(limit: Self.largestFile)
      if position == index { return bytes }
      heldBytes += bytes.count
      guard heldBytes <= Self.mostHeldBytes else {
        throw FormatError(
          .content, file: archive, "its order would need \(heldBytes) bytes of memory",
          advice: "unpack it and give the folder")
      }
      held[position] = bytes
    }
    throw FormatError(
      .content, file: archive, "changed while it was read", advice: "wait until it is complete")
  }
}
