/// The type of an array's elements, as the header of a `.npy` file spells it: `<f4`, `|u1`, `>i8`.
package struct NumPyType: Sendable, Hashable {
  /// The meaning of an element's bits.
  package enum Kind: Character, Sendable {
    case bool = "b"
    case signed = "i"
    case unsigned = "u"
    case float = "f"
  }

  /// The meaning of an element's bits.
  package let kind: Kind
  /// Bytes of an element.
  package let width: Int
  /// True if the byte of most weight comes first.
  let isBigEndian: Bool

  /// Reads a description; nil for what is no real number, such as texts and objects.
  init?(_ text: String) {
    let characters = Array(text)
    guard characters.count == 3, let order = characters.first, "<>|=".contains(order),
      let kind = Kind(rawValue: characters[1]), let width = characters[2].wholeNumberValue
    else { return nil }
    let widths: [Int] =
      switch kind {
      case .bool: [1]
      case .signed, .unsigned: [1, 2, 4, 8]
      case .float: [2, 4, 8]
      }
    guard widths.contains(width) else { return nil }
    (self.kind, self.width) = (kind, width)
    isBigEndian = order == ">"
  }

  /// The name that NumPy has for it, such as `float32`.
  package var name: String {
    switch kind {
    case .bool: "bool"
    case .signed: "int\(8 * width)"
    case .unsigned: "uint\(8 * width)"
    case .float: "float\(8 * width)"
    }
  }

  /// The name behind a letter of a header that is no number's.
  static func name(ofOther text: String) -> String {
    switch text.dropFirst().first {
    case "O": "Python objects"
    case "U", "S", "a": "texts"
    case "c": "complex numbers"
    case "M", "m": "dates or times"
    case "V": "records"
    default: "elements of type \(text.prefix(20))"
    }
  }
}

/// The conversion of an array's elements to the types that data sets have.
struct NumPyConversion {
  let type: NumPyType
  let target: SafetensorsType

  /// Converts elements that lie one behind the other into places `stride` elements apart.
  ///
  /// - Returns: the first element that has no equal there: an integer or float beyond int32 or
  ///   uint8 or between its numbers, or a float64 beyond float32. A float64 is rounded to float32.
  func convert(
    _ source: UnsafeRawPointer, count: Int, to place: UnsafeMutableRawPointer, stride: Int
  ) -> Int? {
    switch target {
    case .uint8: fill(place.assumingMemoryBound(to: UInt8.self), source, count, stride)
    case .int32: fill(place.assumingMemoryBound(to: Int32.self), source, count, stride)
    default: fill(place.assumingMemoryBound(to: Float.self), source, count, stride)
    }
  }

  private func fill<Target: NumPyTarget>(
    _ place: UnsafeMutablePointer<Target>, _ source: UnsafeRawPointer, _ count: Int, _ stride: Int
  ) -> Int? {
    func copy<T: FixedWidthInteger>(_ value: (T) -> Target?) -> Int? {
      each(source, count, T.self) { index, bits in
        guard let value = value(bits) else { return false }
        place[index * stride] = value
        return true
      }
    }
    switch (type.kind, type.width) {
    case (.bool, _): return copy { (bits: UInt8) in .of(UInt8(bits == 0 ? 0 : 1)) }
    case (.float, 2): return copy { (bits: UInt16) in .of(Float16(bitPattern: bits)) }
    case (.float, 4): return copy { (bits: UInt32) in .of(Float(bitPattern: bits)) }
    case (.float, _): return copy { (bits: UInt64) in .of(Double(bitPattern: bits)) }
    case (.signed, 1): return copy { (bits: Int8) in .of(bits) }
    case (.signed, 2): return copy { (bits: Int16) in .of(bits) }
    case (.signed, 4): return copy { (bits: Int32) in .of(bits) }
    case (.signed, _): return copy { (bits: Int64) in .of(bits) }
    case (.unsigned, 1): return copy { (bits: UInt8) in .of(bits) }
    case (.unsigned, 2): return copy { (bits: UInt16) in .of(bits) }
    case (.unsigned, 4): return copy { (bits: UInt32) in .of(bits) }
    case (.unsigned, _): return copy { (bits: UInt64) in .of(bits) }
    }
  }

  /// Goes through elements in the machine's order of bytes until one is refused.
  @inline(__always)
  private func each<T: FixedWidthInteger>(
    _ source: UnsafeRawPointer, _ count: Int, _: T.Type, _ body: (Int, T) -> Bool
  ) -> Int? {
    for index in 0..<count {
      let raw = source.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self)
      guard body(index, type.isBigEndian ? T(bigEndian: raw) : T(littleEndian: raw)) else {
        return index
      }
    }
    return nil
  }
}

/// A type that data sets have, and its elements that are equal to those of an array.
private protocol NumPyTarget {
  /// The integer's equal; nil where there is none.
  static func of<Integer: FixedWidthInteger>(_ value: Integer) -> Self?
  /// The number's equal; nil where there is none.
  static func of<Number: BinaryFloatingPoint>(_ value: Number) -> Self?
}

extension NumPyTarget where Self: FixedWidthInteger {
  static func of<Integer: FixedWidthInteger>(_ value: Integer) -> Self? { Self(exactly: value) }
  static func of<Number: BinaryFloatingPoint>(_ value: Number) -> Self? { Self(exactly: value) }
}

extension UInt8: NumPyTarget {}
extension Int32: NumPyTarget {}

/// Numbers are rounded; one beyond the largest has no equal.
extension Float: NumPyTarget {
  static func of<Integer: FixedWidthInteger>(_ value: Integer) -> Float? { Float(value) }
  static func of<Number: BinaryFloatingPoint>(_ value: Number) -> Float? {
    let rounded = Float(value)
    return rounded.isFinite || !value.isFinite ? rounded : nil
  }
}
