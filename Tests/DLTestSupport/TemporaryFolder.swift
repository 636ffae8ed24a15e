import DLCore
import Foundation

/// A folder of a test's own, removed at the end.
public final class TemporaryFolder: Sendable {
  /// Where it is.
  public let path: String

  /// Makes the folder.
  public init() {
    do { path = try TemporaryFolder.make() } catch { preconditionFailure("\(error)") }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file of bytes and gives its path.
  ///
  /// - Throws: `FileError` where it cannot be written.
  @discardableResult
  public func write(_ bytes: [UInt8], to name: String = "file") throws -> String {
    let file = try File("\(path)/\(name)", .create)
    try bytes.withUnsafeBytes { try file.write($0) }
    return file.path
  }

  /// Writes a file of text and gives its path.
  ///
  /// - Throws: `FileError` where it cannot be written.
  @discardableResult
  public func write(_ text: String, to name: String) throws -> String {
    try write(Array(text.utf8), to: name)
  }

  /// Makes a folder that the caller removes.
  ///
  /// - Throws: `FileError` where it cannot be made.
  public static func make() throws -> String {
    let path = NSTemporaryDirectory() + "/dltrain-test-" + UUID().uuidString
    try File.makeFolder(path)
    return path
  }

  /// Runs `body` with the path of a new folder, which is removed afterwards.
  ///
  /// - Throws: what `body` throws.
  public static func with<R>(_ body: (String) throws -> R) throws -> R {
    let path = try make()
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }
}
