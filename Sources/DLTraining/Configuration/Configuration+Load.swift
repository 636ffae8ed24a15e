import DLCluster
import DLConfiguration
import DLCore
import DLFormats
import Foundation

extension Configuration {
  /// Replacements that stand in a file of their own, as those of a study do.
  package struct Replacements: Sendable {
    /// `KEY.PATH=VALUE` each, applied in order.
    package var texts: [String]
    /// The folder where relative paths in them start.
    package var folder: String

    /// Makes replacements; none unless given.
    package init(_ texts: [String] = [], folder: String = "") {
      self.texts = texts
      self.folder = folder
    }
  }

  /// Loads a configuration file.
  ///
  /// - Parameters:
  ///   - path: the file; relative paths in it start from its folder.
  ///   - replacements: what another file replaces, before the overrides do.
  ///   - overrides: `KEY.PATH=VALUE` each, applied in order; relative paths in them start from the
  ///     working directory.
  ///   - supplied: required keys that the program provides itself (`model`, `data`) and the file
  ///     may omit.
  /// - Throws: ``ConfigurationError`` with all faults.
  package static func load(
    path: String, replacements: Replacements = Replacements(), overrides: [String] = [],
    supplied: Set<String> = []
  ) throws(ConfigurationError) -> Configuration {
    let folder = (absolutePath(path) as NSString).deletingLastPathComponent
    return try load(
      yaml: try configurationText(path), source: path, folder: folder, replacements: replacements,
      overrides: overrides, supplied: supplied)
  }

  /// Loads a configuration from text, such as a recipe's defaults.
  ///
  /// - Parameters:
  ///   - yaml: the text.
  ///   - source: what messages name it.
  ///   - folder: where its relative paths start; the working directory unless given.
  ///   - replacements: what another file replaces, before the overrides do.
  ///   - overrides: `KEY.PATH=VALUE` each, applied in order.
  ///   - supplied: required keys that the program provides itself and the text may omit.
  /// - Throws: ``ConfigurationError`` with all faults.
  package static func load(
    yaml: String, source: String = "configuration", folder: String? = nil,
    replacements: Replacements = Replacements(), overrides: [String] = [],
    supplied: Set<String> = []
  ) throws(ConfigurationError) -> Configuration {
    let here = FileManager.default.currentDirectoryPath
    let place = ConfigurationPlace(source: source, folder: folder.map(absolutePath) ?? here)
    var faults = ConfigurationFaults(supplied: supplied)
    var root = try ConfigurationNode.parse(yaml: yaml, at: place)
    if case .null = root.value { root.value = .mapping([]) }
    for text in replacements.texts {
      root.apply(override: text, folder: absolutePath(replacements.folder), faults: &faults)
    }
    for text in overrides {
      root.apply(override: text, folder: here, faults: &faults)
    }
    let value = read(root, at: "", rule: .none, faults: &faults)
    try faults.check()
    guard let value else { throw ConfigurationError(faults.list) }
    return value
  }

  /// Returns whether a text with overrides names data to train on; false for what is no
  /// configuration.
  package static func namesData(yaml: String, overrides: [String]) -> Bool {
    let place = ConfigurationPlace(source: "", folder: "")
    guard var root = try? ConfigurationNode.parse(yaml: yaml, at: place) else { return false }
    if case .null = root.value { root.value = .mapping([]) }
    var faults = ConfigurationFaults()
    for text in overrides { root.apply(override: text, folder: "", faults: &faults) }
    return ["train", "synthetic"].contains { root["data"]?[$0]?.isGiven == true }
  }

  /// The whole configuration as resolved; loading it gives an equal value.
  package func yaml() -> String { node.yaml() }

  /// A hash of the canonical text (64-bit FNV-1a, hexadecimal), equal on all ranks of one job.
  package var fingerprint: String { hexadecimalHash(yaml()) }
}

extension ModelConfiguration {
  /// A hash of the model's canonical text, as ``Configuration/fingerprint``.
  var fingerprint: String { hexadecimalHash(node.yaml()) }
}

/// The hash of a text as 16 hexadecimal digits.
private func hexadecimalHash(_ text: String) -> String {
  Format.padded(stableHash(text), 16, radix: 16)
}

/// A path from the root, with `.` and `..` resolved where that needs no look at links.
package func absolutePath(_ path: String) -> String {
  joinedPath(FileManager.default.currentDirectoryPath, path)
}

/// Reads a text file of at most 1 MiB; refuses what is not a regular file, so that nothing blocks.
///
/// - Throws: ``ConfigurationError`` where it cannot be read, or is no text.
package func configurationText(_ path: String) throws(ConfigurationError) -> String {
  func fail(_ message: String, line: Int = 0, _ code: ExitCode = .usage) -> ConfigurationError {
    let place = ConfigurationPlace(
      source: path, folder: "", line: line, column: line == 0 ? 0 : 1)
    return ConfigurationError([.init(place: place, path: "", message: message)], exitCode: code)
  }
  guard !path.utf8.contains(0) else { throw fail("not a path") }
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else {
    let code = errno
    throw fail(
      "cannot read the configuration: \(String(cString: strerror(code)))"
        + (code == EACCES || code == EPERM ? ", check the permissions" : ""),
      code == ENOENT ? .usage : .io)
  }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
    throw fail("not a regular file: expected a configuration in YAML")
  }
  let limit = ConfigurationNode.maximumBytes + 1
  var bytes = [UInt8](repeating: 0, count: limit)
  var count = 0
  while count < limit {
    let got = bytes.withUnsafeMutableBytes { buffer in
      read(descriptor, buffer.baseAddress.map { $0 + count }, limit - count)
    }
    if got < 0, errno == EINTR { continue }
    guard got >= 0 else {
      throw fail("cannot read the configuration: \(String(cString: strerror(errno)))", .io)
    }
    if got == 0 { break }
    count += got
  }
  guard count < limit else {
    throw fail("the configuration is larger than 1 MiB: is this another file?")
  }
  let content = bytes[..<count]
  if let text = String(validating: content, as: UTF8.self) { return text }
  if let kind = FileKind(content), !kind.isText {
    throw fail(
      "this is \(kind.name), not UTF-8 text: expected a configuration in YAML"
        + (kind.unpacking.map { "; \($0)" } ?? ""))
  }
  let lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
  let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
  throw fail("not UTF-8 text: expected a configuration in YAML", line: line + 1)
}
