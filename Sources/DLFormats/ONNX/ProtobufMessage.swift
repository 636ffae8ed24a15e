/// A message in protobuf's wire format, written field by field.
///
/// It stands in for the SwiftProtobuf package, whose library alone adds 89 seconds on two cores to a
/// fresh release build; of all that, the ONNX writer needs these few lines. Large fields are made
/// while the message is written, so that a network is not copied. Numbers, field numbers and lengths
/// follow https://protobuf.dev/programming-guides/encoding.
package struct ProtobufMessage {
  /// Takes the next bytes of the message.
  package typealias Sink = (UnsafeRawBufferPointer) throws -> Void

  /// A protobuf message is never longer: 2 GiB less one byte.
  package static let maximumByteCount = Int(Int32.max)

  private enum Piece {
    case bytes([UInt8])
    case made((Sink) throws -> Void)
  }

  private enum WireType: UInt64 {
    case varint = 0
    case lengthDelimited = 2
    case fixed32 = 5
  }

  private var pieces: [Piece] = []
  /// The length of the message.
  package private(set) var byteCount = 0

  /// Makes a message without fields.
  package init() {}

  /// Adds an integer, a Boolean or a word of an enumeration.
  package mutating func add(_ field: Int, _ value: Int) {
    append(Self.key(field, .varint) + Self.varint(UInt64(bitPattern: Int64(value))))
  }

  /// Adds a float.
  package mutating func add(_ field: Int, _ value: Float) {
    let bits = value.bitPattern
    append(
      Self.key(field, .fixed32) + (0..<4).map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) })
  }

  /// Adds a string, or bytes that are text.
  package mutating func add(_ field: Int, _ text: String) {
    let bytes = Array(text.utf8)
    append(Self.head(field, bytes.count) + bytes)
  }

  /// Adds a message.
  package mutating func add(_ field: Int, _ message: ProtobufMessage) {
    append(Self.head(field, message.byteCount))
    pieces += message.pieces
    byteCount += message.byteCount
  }

  /// Adds bytes that are made while the message is written.
  package mutating func add(_ field: Int, count: Int, _ produce: @escaping (Sink) throws -> Void) {
    append(Self.head(field, count))
    pieces.append(.made(produce))
    byteCount += count
  }

  /// Hands the message's bytes to the sink, in order.
  ///
  /// - Throws: what `sink` throws, and what making a field's bytes throws.
  package func write(to sink: Sink) throws {
    for piece in pieces {
      switch piece {
      case .bytes(let bytes): try bytes.withUnsafeBytes { try sink($0) }
      case .made(let produce): try produce(sink)
      }
    }
  }

  private mutating func append(_ bytes: [UInt8]) {
    byteCount += bytes.count
    pieces.append(.bytes(bytes))
  }

  private static func head(_ field: Int, _ count: Int) -> [UInt8] {
    key(field, .lengthDelimited) + varint(UInt64(count))
  }

  private static func key(_ field: Int, _ type: WireType) -> [UInt8] {
    varint(UInt64(field) << 3 | type.rawValue)
  }

  /// Seven bits a byte, the lowest first; the highest bit says that more follow.
  private static func varint(_ value: UInt64) -> [UInt8] {
    var (rest, bytes) = (value, [UInt8]())
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }
}
