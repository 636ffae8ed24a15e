import CKernels
import Testing

struct BinaryTests {
  static let functions: [(dl_binary, @Sendable (Double, Double) -> Double)] = [
    (DL_ADD, { $0 + $1 }), (DL_SUB, { $0 - $1 }), (DL_MUL, { $0 * $1 }), (DL_DIV, { $0 / $1 }),
    (DL_MAXIMUM, { max($0, $1) }), (DL_MINIMUM, { min($0, $1) }),
  ]

  /// Output shape with the shapes of both operands, same rank, 1 where broadcast.
  static let shapes: [([Int], [Int], [Int])] = [
    ([], [], []), ([33], [33], [33]), ([5, 7], [5, 7], [1, 7]), ([5, 7], [1, 1], [5, 7]),
    ([5, 7], [5, 1], [1, 7]), ([2, 3, 4, 5], [2, 1, 4, 1], [1, 3, 1, 5]),
    ([2, 0, 3], [2, 0, 3], [1, 1, 3]), ([3, 130], [3, 130], [3, 1]),
    ([2, 1, 2, 1, 2, 1, 2, 3], [1, 1, 2, 1, 1, 1, 2, 1], [2, 1, 1, 1, 2, 1, 1, 3]),
  ]

  static func strides(_ shape: [Int], broadcast: Bool) -> [Int] {
    var result = [Int](repeating: 0, count: shape.count), stride = 1
    for i in shape.indices.reversed() {
      result[i] = broadcast && shape[i] == 1 ? 0 : stride
      stride *= shape[i]
    }
    return result
  }

  /// The operand's element under each index of `shape`, in row-major order.
  static func offsets(_ shape: [Int], _ strides: [Int]) -> [Int] {
    (0..<shape.reduce(1, *)).map { flat in
      var rest = flat, offset = 0
      for i in shape.indices.reversed() {
        offset += rest % shape[i] * strides[i]
        rest /= shape[i]
      }
      return offset
    }
  }

  @Test(arguments: Element.allCases, [false, true])
  func broadcastingForwardAndBackward(type: Element, accumulate: Bool) {
    for (shape, aShape, bShape) in Self.shapes {
      let sa = Self.strides(aShape, broadcast: true), sb = Self.strides(bShape, broadcast: true)
      let oa = Self.offsets(shape, sa), ob = Self.offsets(shape, sb)
      let n = oa.count
      let a = numbers(aShape.reduce(1, *), seed: 1)
      let b = numbers(bShape.reduce(1, *), seed: 2).map { abs($0) < 0.1 ? 0.5 : $0 }
      let dy = numbers(n, seed: 3), before = numbers(n, seed: 4)
      let ba = Buffer(type, a), bb = Buffer(type, b), bdy = Buffer(type, dy)
      for (op, f) in Self.functions {
        let y = Buffer(type, dy)
        dl_binary_forward(
          type.c, op, shape.count, shape, ba.pointer, sa, bb.pointer, sb, y.pointer)
        expectClose(y, (0..<n).map { f(a[oa[$0]], b[ob[$0]]) })
        for operand in 0...1 {
          let g = Buffer(type, before)
          dl_binary_backward(
            type.c, op, Int32(operand), shape.count, shape, ba.pointer, sa, bb.pointer, sb,
            bdy.pointer, g.pointer, accumulate ? 1 : 0)
          let h = 1e-6
          let slopes = (0..<n).map { i in
            let u = a[oa[i]], v = b[ob[i]]
            let step = operand == 0 ? f(u + h, v) - f(u - h, v) : f(u, v + h) - f(u, v - h)
            return dy[i] * step / (2 * h)
          }
          let limit = type == .f32 ? 3.0 : 3e5
          expectClose(g, before.adding(slopes, accumulate), scale: limit * 10, "\(op) \(operand)")
        }
      }
    }
  }

  @Test(arguments: Element.allCases, [false, true])
  func reduceToIsTheTransposeOfExpandTo(type: Element, accumulate: Bool) {
    for (shape, _, smallShape) in Self.shapes + Self.shapes.map({ ($0, $2, $1) }) {
      let strides = Self.strides(smallShape, broadcast: true)
      let offsets = Self.offsets(shape, strides)
      let small = numbers(smallShape.reduce(1, *)), full = numbers(offsets.count, seed: 2)
      let reduced = Buffer(type, small), expanded = Buffer(type, full)
      var sums = accumulate ? small : [Double](repeating: 0, count: small.count)
      for (i, o) in offsets.enumerated() { sums[o] += full[i] }
      dl_reduce_to(
        type.c, shape.count, shape, expanded.pointer, strides, reduced.pointer,
        accumulate ? 1 : 0)
      expectClose(reduced, sums)
      dl_expand_to(
        type.c, shape.count, shape, Buffer(type, small).pointer, strides, expanded.pointer,
        accumulate ? 1 : 0)
      expectClose(expanded, full.adding(offsets.map { small[$0] }, accumulate))
    }
  }
}
