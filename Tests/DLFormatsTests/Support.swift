import DLCore
import DLFormats
import Foundation

/// A folder of a test's own, removed at the end.
final class TemporaryFolder {
  let path: String

  init() {
    path = NSTemporaryDirectory() + "/dlformats-\(UUID().uuidString)"
    do { try File.makeFolder(path) } catch { preconditionFailure("\(error)") }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ bytes: [UInt8], to name: String = "file") throws -> String {
    let file = try File("\(path)/\(name)", .create)
    try bytes.withUnsafeBytes { try file.write($0) }
    return file.path
  }
}

func golden(_ name: String) -> String {
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Golden/" + name
}

/// The error of the body, or nil; anything but a FormatError is passed on.
func formatError(_ body: () throws -> Void) throws -> FormatError? {
  do { try body() } catch let error as FormatError { return error }
  return nil
}

/// A safetensors file of that header and data.
func safetensors(_ header: String, data: [UInt8] = []) -> [UInt8] {
  withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8)
    + data
}

func values<T>(_ bytes: [UInt8], as: T.Type) -> [T] {
  bytes.withUnsafeBytes { buffer in
    (0..<buffer.count / MemoryLayout<T>.size).map {
      buffer.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self)
    }
  }
}
