import DLCore
import DLFormats
import Glibc

/// A folder of pictures in the place of a data set file: `CLASS/FILE`, JPEG and PNG.
///
/// Its files are put one after another into a file of the user's cache, as ``ImagePacker`` does
/// that keeps them encoded, when they are first asked for; it is found again as long as no file of the
/// folder changes, and then gives way to another. Threads and processes of a host wait for the one that
/// makes it.
enum PictureFolder {
  /// The data set file of a folder's pictures.
  ///
  /// - Throws: `FormatError` for a folder that holds none, or a damaged one, and where the cache cannot
  ///   be written to.
  static func file(of folder: String) throws -> String {
    guard let cache = StatisticsCache.standard?.folder else {
      throw FormatError(
        .io, file: folder, "is a folder, and there is no cache to put its pictures together in",
        advice: "set XDG_CACHE_HOME, or pack it by dltrain data pack images "
          + "\(OptionName.keepEncoded)")
    }
    let place = try place(of: folder)
    let path = "\(cache)/\(place)\(try key(of: folder)).safetensors"
    if File.exists(path) { return path }
    try File.makeFolder(cache)
    return try whileLocked("\(cache)/pictures.lock") {
      if File.exists(path) { return path }
      let unfinished = "\(path).folder"
      try File.makeFolder(unfinished)
      defer { rmdir(unfinished) }
      var packer = ImagePacker()
      packer.keepsEncoded = true
      let files = try packer.pack(folder, output: unfinished)
      guard files.count == 1 else {
        for file in files { _ = try? File.remove(file.path) }
        throw FormatError(
          .content, file: folder, "has parts of its own, as SPLIT/CLASS/FILE",
          advice: "name one of them, as \(folder)/\(File.name(of: files[0].path).dropLast(12))")
      }
      try File.rename(files[0].path, to: path)
      // What the folder held before is of no use any more; who reads it has it open.
      for name in try File.list(cache) where name.begins(with: place) && !path.hasSuffix(name) {
        _ = try? File.remove("\(cache)/\(name)")
      }
      return path
    }
  }

  /// The beginning of the names of a folder's files in the cache, whatever path leads there.
  private static func place(of folder: String) throws -> String {
    var status = stat()
    guard stat(folder, &status) == 0 else {
      throw FormatError(
        .io, file: folder, "cannot stat: \(String(cString: strerror(errno)))",
        advice: "check the path")
    }
    return "pictures-\(String(stableHash("\(status.st_dev) \(status.st_ino)"), radix: 16))-"
  }

  /// The pictures that a folder holds, as far as the system tells without reading them.
  private static func key(of folder: String) throws -> String {
    let images = try ImageFolder(path: folder)
    guard !images.paths.isEmpty else {
      throw FormatError(
        .content, file: folder, "is a folder without .jpg, .jpeg or .png",
        advice: "name a data set file, or a folder of pictures CLASS/FILE")
    }
    var hash = stableHash("pictures 1")
    for (index, path) in images.paths.enumerated() {
      let identity = try File(images.name(index), .read).identity()
      hash = stableHash(
        "\(hash) \(path) \(identity.byteCount) \(identity.inode) \(identity.modified) "
          + "\(identity.changed)")
    }
    // Messages that show the file's name tell the folder by it.
    let resolved = realpath(folder, nil)
    defer { free(resolved) }
    let name = File.name(of: resolved.map { String(cString: $0) } ?? folder)
      .filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
    return "\(name.prefix(40))-\(images.paths.count)-\(String(hash, radix: 16))"
  }

  /// Runs `body` while nobody else on this host does under this name.
  private static func whileLocked<Result>(_ path: String, _ body: () throws -> Result) throws
    -> Result
  {
    let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw FormatError(
        .io, file: path, "cannot open: \(String(cString: strerror(errno)))",
        advice: "check the folder's rights, or set XDG_CACHE_HOME")
    }
    defer { close(descriptor) }
    while flock(descriptor, LOCK_EX) != 0 {
      guard errno == EINTR else {
        throw FormatError(
          .io, file: path, "cannot lock: \(String(cString: strerror(errno)))",
          advice: "set XDG_CACHE_HOME to a folder of a local disk")
      }
    }
    return try body()
  }
}
