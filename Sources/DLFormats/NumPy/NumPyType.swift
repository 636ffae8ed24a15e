/// The type of an array's elements, as the header of a `.npy` file spells it: `<f4`, `|u1`, `>i8`.
package struct NumPyType: Sendable, Hashable {
  /// What the bits of an element are.
  package enum Kind: Character, Sendable {
    case bool = "b"
    case signed = "i"
    case unsigned = "u"
    case float = "f"
  }

  /// What the bits of an element are.
  package let kind: Kind
  /// Bytes of an element.
  package let width: Int
  /// Whether the byte of most weight comes first.
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
    case .uint8: integers(source, count, place.assumingMemoryBound(to: UInt8.self), stride)
    case .int32: integers(source, count, place.assumingMemoryBound(to: Int32.self), stride)
    default: floats(source, count, place.assumingMemoryBound(to: Float.self), stride)
    }
  }

  private func integers<I: FixedWidthInteger>(
    _ source: UnsafeRawPointer, _ count: Int, _ place: UnsafeMutablePointer<I>, _ stride: Int
  ) -> Int? {
    func copy<T: FixedWidthInteger>(_: T.Type) -> Int? {
      each(source, count, T.self) { index, bits in
        guard let value = I(exactly: bits) else { return false }
        place[index * stride] = value
        return true
      }
    }
    func round<F: BinaryFloatingPoint, T: FixedWidthInteger>(_ make: (T) -> F) -> Int? {
      each(source, count, T.self) { index, bits in
        guard let value = I(exactly: make(bits)) else { return false }
        place[index * stride] = value
        return true
      }
    }
    switch (type.kind, type.width) {
    case (.bool, _):
      return each(source, count, UInt8.self) { index, bits in
        place[index * stride] = bits == 0 ? 0 : 1
        return true
      }
    case (.float, 2): return round { (bits: UInt16) in Float16(bitPattern: bits) }
    case (.float, 4): return round { (bits: UInt32) in Float(bitPattern: bits) }
    case (.float, _): return round { (bits: UInt64) in Double(bitPattern: bits) }
    case (.signed, 1): return copy(Int8.self)
    case (.signed, 2): return copy(Int16.self)
    case (.signed, 4): return copy(Int32.self)
    case (.signed, _): return copy(Int64.self)
    case (.unsigned, 1): return copy(UInt8.self)
    case (.unsigned, 2): return copy(UInt16.self)
    case (.unsigned, 4): return copy(UInt32.self)
    case (.unsigned, _): return copy(UInt64.self)
    }
  }

  private func floats(
    _ source: UnsafeRawPointer, _ count: Int, _ place: UnsafeMutablePointer<Float>, _ stride: Int
  ) -> Int? {
    func copy<T: FixedWidthInteger>(_: T.Type) -> Int? {
      each(source, count, T.self) { index, bits in
        place[index * stride] = Float(bits)
        return true
      }
    }
    switch (type.kind, type.width) {
    case (.bool, _):
      return each(source, count, UInt8.self) { index, bits in
        place[index * stride] = bits == 0 ? 0 : 1
        return true
      }
    case (.float, 2):
      return each(source, count, UInt16.self) { index, bits in
        place[index * stride] = Float(Float16(bitPattern: bits))
        return true
      }
    case (.float, 4):
      return each(source, count, UInt32.self) { index, bits in
        place[index * stride] = Float(bitPattern: bits)
        return true
      }
    case (.float, _):
      return each(source, count, UInt64.self) { index, bits in
        let value = Double(bitPattern: bits)
        let rounded = Float(value)
        place[index * stride] = rounded
        return rounded.isFinite || !value.isFinite
      }
    case (.signed, 1): return copy(Int8.self)
    case (.signed, 2): return copy(Int16.self)
    case (.signed, 4): return copy(Int32.self)
    case (.signed, _): return copy(Int64.self)
    case (.unsigned, 1): return copy(UInt8.self)
    case (.unsigned, 2): return copy(UInt16.self)
    case (.unsigned, 4): return copy(UInt32.self)
    case (.unsigned, _): return copy(UInt64.self)
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
