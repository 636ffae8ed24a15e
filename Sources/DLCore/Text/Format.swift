import Glibc

/// Numbers and columns as people read them.
package enum Format {
  /// A number with a fixed number of decimals.
  package static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    return format("%.\(decimals)f", value)
  }

  /// A number with a fixed number of significant digits, as in `0.00125` or `1.2e-07`.
  package static func significant(_ value: Double, _ digits: Int) -> String {
    format("%.\(digits)g", value)
  }

  /// A number that is not negative with zeros before it, so that it has `width` digits or more.
  package static func padded(_ value: some BinaryInteger, _ width: Int, radix: Int = 10) -> String {
    let digits = String(value, radix: radix)
    return String(repeating: "0", count: max(width - digits.utf8.count, 0)) + digits
  }

  /// An integer with its thousands parted by commas.
  package static func grouped(_ value: Int) -> String {
    let digits = String(value.magnitude)
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { result.append(",") }
      result.append(digit)
    }
    return value < 0 ? "-" + result : result
  }

  /// A number with its thousands parted by commas and what it counts: `1 row`, `1,437 rows`.
  package static func count(_ value: Int, _ noun: String, _ plural: String? = nil) -> String {
    grouped(value) + " " + numbered(noun, by: value, plural)
  }

  /// A rounded positive number with its thousands parted by commas.
  package static func grouped(_ value: Double) -> String {
    grouped(value.isFinite ? Int(min(max(value.rounded(), -1e15), 1e15)) : 0)
  }

  /// A share as a percentage with `decimals`.
  package static func percent(_ share: Double, _ decimals: Int) -> String {
    fixed(share * 100, decimals) + "%"
  }

  /// A short time as in `3.21 µs` or `4.2 ms`.
  package static func shortTime(_ seconds: Double) -> String {
    seconds < 1e-3
      ? significant(seconds * 1e6, 3) + " µs"
      : seconds < 1 ? significant(seconds * 1e3, 3) + " ms" : significant(seconds, 3) + " s"
  }

  /// A time as in `4.2 s`, `3 min 12 s` or `2 h 5 min`.
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "?" }
    if seconds < 10 { return fixed(max(seconds, 0), 1) + " s" }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }

  /// A number of bytes as in `4.2 MB`.
  package static func bytes(_ count: Int) -> String {
    var value = Double(count)
    for unit in ["B", "kB", "MB", "GB"] {
      if value < 1000 { return (unit == "B" ? "\(count)" : significant(value, 3)) + " \(unit)" }
      value /= 1000
    }
    return fixed(value, 1) + " TB"
  }

  /// A time as in `0:04`, `3:12` or `2:05:00`.
  package static func clock(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "?" }
    let whole = Int(max(seconds, 0).rounded())
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return whole < 3600
      ? "\(whole / 60):\(two(whole % 60))"
      : "\(whole / 3600):\(two(whole % 3600 / 60)):\(two(whole % 60))"
  }

  /// A number with `decimals`, or with as many significant digits where that takes more than `width`
  /// characters.
  package static func fitting(_ value: Double, _ decimals: Int, width: Int) -> String {
    let text = fixed(value, decimals)
    return text.utf8.count <= width ? text : significant(value, decimals)
  }

  private static func format(_ format: String, _ value: Double) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400) { buffer in
      buffer[0] = 0
      _ = withVaList([value]) { vsnprintf(buffer.baseAddress!, buffer.count, format, $0) }
      return String(cString: buffer.baseAddress!)
    }
  }
}
