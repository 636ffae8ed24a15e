import DLCore
import DLFormats
import Foundation

/// A golden file without what a test looks for in it.
public struct MissingGolden: Error, CustomStringConvertible {
  /// What is missing.
  public let description: String

  /// Names what is missing.
  public init(_ description: String) { self.description = description }
}

/// The path of a file in the folder `Golden` beside the test's file.
public func golden(_ name: String, beside filePath: String = #filePath) -> String {
  URL(fileURLWithPath: filePath).deletingLastPathComponent().path + "/Golden/" + name
}

/// The path of a file in the folder `Golden` of another test target.
public func golden(_ name: String, of target: String) -> String {
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
    + "/\(target)/Golden/\(name)"
}

/// The JSON of a file in the folder `Golden` beside the test's file.
///
/// - Throws: `FileError` where it is not there, `FormatError` where it is not JSON.
package func goldenJSON(_ name: String, beside filePath: String = #filePath) throws -> JSON {
  let path = golden(name, beside: filePath)
  return try JSON(parsing: String(decoding: File.contents(of: path), as: UTF8.self), file: name)
}

/// What a test takes from recorded JSON: absent keys, other types and empty lists are errors.
extension JSON {
  private func wanted<T>(_ value: T?, _ what: String) throws -> T {
    guard let value else {
      throw MissingGolden("\(what) expected, found \(description.prefix(60))")
    }
    return value
  }

  /// The value of a key.
  ///
  /// - Throws: ``MissingGolden`` where there is none.
  package func get(_ key: String) throws -> JSON { try wanted(self[key], "key \(key)") }

  /// The elements of a list.
  ///
  /// - Throws: ``MissingGolden`` where this is no list or an empty one.
  package func list() throws -> [JSON] {
    try wanted(array.flatMap { $0.isEmpty ? nil : $0 }, "a list of something")
  }

  /// The text.
  ///
  /// - Throws: ``MissingGolden`` where this is none.
  public func text() throws -> String { try wanted(string, "a string") }

  /// The number.
  ///
  /// - Throws: ``MissingGolden`` where this is none.
  public func number() throws -> Double { try wanted(double, "a number") }

  /// The integer.
  ///
  /// - Throws: ``MissingGolden`` where this is none.
  public func integer() throws -> Int { try wanted(int, "an integer") }

  /// The strings of a list, which may be empty.
  ///
  /// - Throws: ``MissingGolden`` where this is no list, or one with other values.
  public func strings() throws -> [String] { try wanted(array, "a list").map { try $0.text() } }

  /// The integers of a list, which may be empty.
  ///
  /// - Throws: ``MissingGolden`` where this is no list, or one with other values.
  public func integers() throws -> [Int] { try wanted(array, "a list").map { try $0.integer() } }

  /// The numbers of a list, which may be empty.
  ///
  /// - Throws: ``MissingGolden`` where this is no list, or one with other values.
  public func numbers() throws -> [Double] { try wanted(array, "a list").map { try $0.number() } }
}

extension SafetensorsFile {
  /// A tensor's elements as doubles.
  ///
  /// - Throws: `FormatError` where it is not there, ``MissingGolden`` for another type.
  public func doubles(_ name: String) throws -> [Double] {
    let type = try info(name).dtype
    let bytes = try bytes(name)
    return switch type {
    case .float64: values(bytes, as: Double.self)
    case .float32: values(bytes, as: Float.self).map(Double.init)
    case .int32: values(bytes, as: Int32.self).map(Double.init)
    case .uint8: bytes.map(Double.init)
    case .int64: values(bytes, as: Int64.self).map(Double.init)
    default: throw MissingGolden("type \(type) of \(name)")
    }
  }
}

/// The values that bytes hold, wherever they lie in memory.
public func values<T: BitwiseCopyable>(_ bytes: [UInt8], as: T.Type) -> [T] {
  precondition(bytes.count % MemoryLayout<T>.size == 0, "\(bytes.count) bytes of \(T.self)")
  return bytes.withUnsafeBytes { buffer in
    stride(from: 0, to: buffer.count, by: MemoryLayout<T>.size).map {
      buffer.loadUnaligned(fromByteOffset: $0, as: T.self)
    }
  }
}
