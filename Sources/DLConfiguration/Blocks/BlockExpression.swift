/// A text in a block's layers that names parameters: one alone, or whole numbers with + - * / and
/// parentheses.
///
///     sum     = product (("+" | "-") product)*
///     product = factor (("*" | "/") factor)*
///     factor  = digits | "$" name | "${" sum "}" | "(" sum ")"
///
/// Within `${...}` names go without a `$`.
struct BlockExpression {
  /// The value that a text comes to.
  enum Value {
    /// The value of a parameter that stands alone, of any type.
    case node(ConfigurationNode)
    /// A computed number.
    case integer(Int)
  }

  /// The fault of a text, and what to do.
  struct Problem: Error {
    let message: String
  }

  private let bytes: [UInt8]
  private let values: [String: ConfigurationNode]
  private var position = 0
  private var depth = 0

  init(_ text: String, values: [String: ConfigurationNode]) {
    bytes = Array(text.utf8)
    self.values = values
  }

  /// The value of the whole text.
  mutating func value() -> Result<Value, Problem> {
    do throws(Problem) {
      if let name = loneName { return .success(.node(try parameter(name))) }
      let value = try sum(isBraced: false)
      guard position == bytes.count else { throw unexpected() }
      return .success(.integer(value))
    } catch {
      return .failure(error)
    }
  }

  /// The name in `$name` or `${name}`, if the text is nothing else.
  private var loneName: String? {
    guard bytes.first == UInt8(ascii: "$") else { return nil }
    var name = bytes.dropFirst()
    if name.first == UInt8(ascii: "{"), name.last == UInt8(ascii: "}") {
      name = name.dropFirst().dropLast()
      while name.first == UInt8(ascii: " ") { name = name.dropFirst() }
      while name.last == UInt8(ascii: " ") { name = name.dropLast() }
    }
    let text = String(decoding: name, as: UTF8.self)
    return isBlockName(text) ? text : nil
  }

  private func parameter(_ name: String) throws(Problem) -> ConfigurationNode {
    guard let value = values[name] else {
      let hint = suggestion(for: name, in: values.keys.sorted())
      throw Problem(message: "the block has no parameter \(name), \(hint)")
    }
    return value
  }

  private mutating func sum(isBraced: Bool) throws(Problem) -> Int {
    var total = try product(isBraced: isBraced)
    while let sign = take("+-") {
      let next = try product(isBraced: isBraced)
      total = try checked(
        sign == UInt8(ascii: "+")
          ? total.addingReportingOverflow(next) : total.subtractingReportingOverflow(next))
    }
    return total
  }

  private mutating func product(isBraced: Bool) throws(Problem) -> Int {
    var total = try factor(isBraced: isBraced)
    while let sign = take("*/") {
      let next = try factor(isBraced: isBraced)
      if sign == UInt8(ascii: "*") {
        total = try checked(total.multipliedReportingOverflow(by: next))
      } else {
        guard next != 0, next != -1, total.isMultiple(of: next) else {
          throw Problem(message: "\(total) / \(next) is no whole number")
        }
        total /= next
      }
    }
    return total
  }

  private mutating func factor(isBraced: Bool) throws(Problem) -> Int {
    depth += 1
    defer { depth -= 1 }
    guard depth < 32 else { throw Problem(message: "too many parentheses") }
    if take("(") != nil {
      let value = try sum(isBraced: isBraced)
      guard take(")") != nil else { throw unexpected() }
      return value
    }
    let isParameter = take("$") != nil
    if isParameter, take("{") != nil {
      let value = try sum(isBraced: true)
      guard take("}") != nil else { throw unexpected() }
      return value
    }
    skipBlanks()
    let start = position
    while position < bytes.count, isBlockNameByte(bytes[position]) { position += 1 }
    let word = String(decoding: bytes[start..<position], as: UTF8.self)
    if !isParameter, let number = Int(word) { return number }
    guard isParameter || isBraced, isBlockName(word) else { throw unexpected() }
    guard case .integer(let value) = try parameter(word).value else {
      throw Problem(message: "parameter \(word) is no whole number")
    }
    return value
  }

  private func checked(_ result: (partialValue: Int, overflow: Bool)) throws(Problem) -> Int {
    guard !result.overflow else { throw Problem(message: "the number is too large") }
    return result.partialValue
  }

  private mutating func take(_ characters: StaticString) -> UInt8? {
    skipBlanks()
    guard position < bytes.count else { return nil }
    let byte = bytes[position]
    let isOne = characters.withUTF8Buffer { $0.contains(byte) }
    guard isOne else { return nil }
    position += 1
    return byte
  }

  private mutating func skipBlanks() {
    while position < bytes.count, bytes[position] == UInt8(ascii: " ") { position += 1 }
  }

  private func unexpected() -> Problem {
    Problem(
      message:
        "expected a parameter alone, as $out, or whole numbers with + - * / and parentheses, "
        + "as 2 * $out")
  }
}
