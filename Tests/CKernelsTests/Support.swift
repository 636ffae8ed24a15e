import CKernels
import DLTestSupport
import Testing

/// The element types that every kernel is written for.
enum Element: CaseIterable, Sendable {
  case f32, f64
  var c: dl_dtype { self == .f32 ? DL_F32 : DL_F64 }
  var size: Int { self == .f32 ? 4 : 8 }
  var tolerance: Double { self == .f32 ? 3e-6 : 1e-12 }
}

/// A 64-byte aligned buffer of either element type, read and written as doubles.
///
/// It is never freed: an owner could be released between giving its pointer away and the kernel's
/// last use of it, and the tests need little.
struct Buffer {
  let type: Element
  let count: Int
  let pointer: UnsafeMutableRawPointer

  init(_ type: Element, _ values: [Double]) {
    self.type = type
    count = values.count
    pointer = .allocate(byteCount: values.count * type.size + 64, alignment: 64)
    for (i, v) in values.enumerated() {
      switch type {
      case .f32: pointer.storeBytes(of: Float(v), toByteOffset: 4 * i, as: Float.self)
      case .f64: pointer.storeBytes(of: v, toByteOffset: 8 * i, as: Double.self)
      }
    }
  }

  var values: [Double] {
    (0..<count).map { i in
      type == .f32
        ? Double(pointer.load(fromByteOffset: 4 * i, as: Float.self))
        : pointer.load(fromByteOffset: 8 * i, as: Double.self)
    }
  }
}

/// Repeatable numbers in -2 ..< 2 that a Float holds exactly.
func numbers(_ count: Int, seed: UInt64 = 1) -> [Double] {
  var source = Numbers(seed: seed)
  return (0..<count).map { _ in Double(source.bits() >> 44) / Double(1 << 18) - 2 }
}

/// Checks `actual` against values computed in double.
func expectClose(
  _ actual: Buffer, _ expected: [Double], scale: Double = 1, _ what: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  // Sizes of 0 are among those tried.
  let (index, distance) = farthest(
    actual.values, expected, allowsNone: true, sameSpecials: true
  ) { actual.type.tolerance * scale * max(1, abs($0)) }
  #expect(
    distance <= 1, "\(what)[\(index)] is \(distance) times what is allowed from its value",
    sourceLocation: sourceLocation)
}

/// Sizes around vector widths, and nothing.
let oddSizes = [0, 1, 7, 16, 33, 100]

extension [Double] {
  /// self + other where `accumulate`, else other: what an accumulating kernel leaves.
  func adding(_ other: [Double], _ accumulate: Bool) -> [Double] {
    accumulate ? zipped(self, other).map { $0 + $1 } : other
  }
}
