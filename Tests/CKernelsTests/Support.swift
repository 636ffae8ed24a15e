import CKernels
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
  var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(state >> 44) / Double(1 << 18) - 2
  }
}

/// Checks `actual` against values computed in double.
func expectClose(
  _ actual: Buffer, _ expected: [Double], scale: Double = 1, _ what: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(actual.count == expected.count, sourceLocation: sourceLocation)
  for (i, (a, e)) in zip(actual.values, expected).enumerated() {
    if a.isNaN && e.isNaN || a == e { continue }
    let allowed = actual.type.tolerance * scale * max(1, abs(e))
    if !(abs(a - e) <= allowed) {
      Issue.record("\(what)[\(i)] is \(a), expected \(e)", sourceLocation: sourceLocation)
      return
    }
  }
}

/// Sizes around vector widths, and nothing.
let oddSizes = [0, 1, 7, 16, 33, 100]

extension [Double] {
  /// self + other where `accumulate`, else other: what an accumulating kernel leaves.
  func adding(_ other: [Double], _ accumulate: Bool) -> [Double] {
    accumulate ? zip(self, other).map { $0 + $1 } : other
  }
}
