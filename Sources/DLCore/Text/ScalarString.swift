import Glibc

/// A text that is compared, hashed and ordered by its Unicode scalars, as Python's `str` is.
///
/// Swift's own strings are equal where they are canonically equivalent: the Kelvin sign equals the
/// letter K, and "é" as one scalar equals "é" as two. What data name and count, such as words,
/// classes and tensors, is another thing with each scalar; as keys they are of this type.
package struct ScalarString: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The text.
  package let text: Substring

  /// Takes a text; O(1) for strings and their parts.
  package init(_ text: some StringProtocol) { self.text = Substring(text) }

  /// The text as a string of its own.
  package var description: String { String(text) }

  /// Returns whether both have the same scalars in the same order.
  package static func == (one: Self, other: Self) -> Bool { one.text.hasScalars(of: other.text) }

  /// Returns whether the first scalar that differs is smaller here, or all are here that differ
  /// not.
  ///
  /// The bytes of UTF-8 have the order of the scalars.
  package static func < (one: Self, other: Self) -> Bool {
    one.text.withBytes { one in
      other.text.withBytes { other in
        let order = memcmp(one, other)
        return order == 0 ? one.count < other.count : order < 0
      }
    }
  }

  /// Hashes the bytes of UTF-8.
  package func hash(into hasher: inout Hasher) {
    text.withBytes { hasher.combine(bytes: $0) }
    // No text's bytes begin another's: 0xff occurs in no UTF-8.
    hasher.combine(UInt8(0xff))
  }
}

extension ScalarString: ExpressibleByStringLiteral {
  /// Takes a text written in the program.
  package init(stringLiteral value: String) { self.init(value) }
}

extension Sequence<String> {
  /// The texts in the order of their scalars, as Python's `sorted` puts them.
  package func sortedByScalars() -> [String] {
    map { ScalarString($0) }.sorted().map(\.description)
  }
}

extension StringProtocol {
  /// Returns whether another text has the same scalars; canonically equivalent ones are different.
  package func hasScalars(of other: some StringProtocol) -> Bool {
    withBytes { one in
      other.withBytes { other in one.count == other.count && memcmp(one, other) == 0 }
    }
  }

  /// Returns whether the text begins with the scalars of `prefix`, whatever combining marks follow.
  package func begins(with prefix: some StringProtocol) -> Bool {
    withBytes { bytes in
      prefix.withBytes { prefix in
        bytes.count >= prefix.count && memcmp(bytes, prefix) == 0
      }
    }
  }

  /// Returns whether the text ends with the scalars of `suffix`.
  package func ends(with suffix: some StringProtocol) -> Bool {
    withBytes { bytes in
      suffix.withBytes { suffix in
        bytes.count >= suffix.count
          && memcmp(UnsafeRawBufferPointer(rebasing: bytes.suffix(suffix.count)), suffix) == 0
      }
    }
  }

  /// The parts between the occurrences of a scalar, whatever combining marks follow it.
  ///
  /// Counterpart: Python's `str.split(separator)`.
  package func parts(
    at separator: Unicode.Scalar, limit: Int = .max, omittingEmpty: Bool = false
  ) -> [Substring] {
    Substring(self).unicodeScalars.split(
      separator: separator, maxSplits: limit, omittingEmptySubsequences: omittingEmpty
    ).map { Substring($0) }
  }

  /// The words between white space.
  ///
  /// Counterpart: Python's `str.split()`.
  package func words() -> [Substring] {
    Substring(self).unicodeScalars.split(whereSeparator: \.isWhiteSpace).map { Substring($0) }
  }

  /// The bytes of UTF-8 in one piece.
  func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    utf8.withContiguousStorageIfAvailable { body(UnsafeRawBufferPointer($0)) }
      ?? Array(utf8).withUnsafeBytes { body($0) }
  }
}

extension Unicode.Scalar {
  /// True if Python's `str.isspace` holds: Unicode's white space and the separators U+001C to
  /// U+001F.
  package var isWhiteSpace: Bool {
    switch value {
    case 0x09...0x0d, 0x1c...0x20: true
    case ..<0x85: false
    case 0x85, 0xa0, 0x1680, 0x2000...0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000: true
    default: false
    }
  }
}

/// The order of the bytes that both have.
private func memcmp(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Int32 {
  guard let a = one.baseAddress, let b = other.baseAddress else { return 0 }
  return Glibc.memcmp(a, b, min(one.count, other.count))
}
