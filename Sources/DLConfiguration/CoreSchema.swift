/// Resolves a plain (unquoted) scalar as YAML 1.2's core schema does (specification, section
/// 10.3.2).
///
/// `no`, `yes` and `on` are strings, 010 is ten, 0o10 is eight, 0x10 is sixteen.
func resolvePlainScalar(_ text: String) -> ConfigurationNode.Value {
  switch text {
  case "", "~", "null", "Null", "NULL": return .null
  case "true", "True", "TRUE": return .bool(true)
  case "false", "False", "FALSE": return .bool(false)
  case ".nan", ".NaN", ".NAN": return .number(.nan)
  default: break
  }
  let bytes = Array(text.utf8)
  if bytes.starts(with: Array("0x".utf8)), let value = integer(bytes.dropFirst(2), radix: 16) {
    return value
  }
  if bytes.starts(with: Array("0o".utf8)), let value = integer(bytes.dropFirst(2), radix: 8) {
    return value
  }
  var digits = bytes[...]
  let isNegative = digits.first == UInt8(ascii: "-")
  if isNegative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
  if [".inf", ".Inf", ".INF"].contains(String(decoding: digits, as: UTF8.self)) {
    return .number(isNegative ? -.infinity : .infinity)
  }
  if !digits.isEmpty, digits.allSatisfy(isDigit) {
    if let value = Int(text) { return .integer(value) }
    return Double(text).map { .number($0) } ?? .string(text)
  }
  if isFloat(digits) {
    if let value = Double(String(decoding: bytes, as: UTF8.self)) { return .number(value) }
  }
  return .string(text)
}

private func isDigit(_ byte: UInt8) -> Bool {
  (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}

private func integer(_ digits: ArraySlice<UInt8>, radix: Int) -> ConfigurationNode.Value? {
  guard let first = digits.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "+") else {
    return nil
  }
  var value: Double = 0
  for byte in digits {
    guard let digit = Int(String(UnicodeScalar(byte)), radix: radix) else { return nil }
    value = value * Double(radix) + Double(digit)
  }
  if let exact = Int(String(decoding: digits, as: UTF8.self), radix: radix) {
    return .integer(exact)
  }
  return .number(value)
}

/// Matches `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
private func isFloat(_ bytes: ArraySlice<UInt8>) -> Bool {
  var rest = bytes
  func takeDigits() -> Int {
    let before = rest.count
    rest = rest.drop(while: isDigit)
    return before - rest.count
  }
  let whole = takeDigits()
  var fraction = 0
  if rest.first == UInt8(ascii: ".") {
    rest = rest.dropFirst()
    fraction = takeDigits()
  }
  guard whole + fraction > 0 else { return false }
  if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
    rest = rest.dropFirst()
    if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") {
      rest = rest.dropFirst()
    }
    guard takeDigits() > 0 else { return false }
  }
  return rest.isEmpty
}
