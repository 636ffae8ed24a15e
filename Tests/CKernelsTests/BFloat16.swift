import CKernels
import DLTestSupport

/// The definition of products of bfloat16 (docs/arithmetic.md), written without the kernels' means.
enum BFloat16 {
  /// The nearest number with 8 significant bits, of two the one whose last bit is 0; 0 below 2^-56.
  static func rounded(_ value: Float) -> Float {
    guard value.isFinite, value != 0 else { return value }
    let magnitude = Double(value.magnitude)
    let unit = 0x1p-7 * Double(sign: .plus, exponent: magnitude.exponent, significand: 1)
    let nearest = (magnitude / unit).rounded(.toNearestOrEven) * unit
    guard nearest >= 0x1p-56 else { return 0 }
    // Above the greatest, 255 · 2^120, lies infinity.
    let result = nearest < 0x1p128 ? Float(nearest) : .infinity
    return value < 0 ? -result : result
  }

  /// The length of the blocks that `k` terms are divided into.
  static func block(_ k: Int) -> Int {
    let blocks = (k + 383) / 384
    guard blocks > 1 else { return k }
    let even = ((k + blocks - 1) / blocks + 7) / 8 * 8
    return (even + 31) / 32 * 32
  }

  /// One block's sum of the products of two sequences of rounded terms.
  static func chain(_ terms: [(Float, Float)]) -> Float {
    var sum: Float = 0
    for start in stride(from: 0, to: terms.count, by: 32) {
      var halves: (even: Float, odd: Float) = (0, 0)
      for index in start..<min(start + 32, terms.count) {
        let (left, right) = terms[index]
        if index.isMultiple(of: 2) {
          halves.even.addProduct(left, right)
        } else {
          halves.odd.addProduct(left, right)
        }
      }
      sum += halves.even + halves.odd
    }
    return sum
  }

  /// The versions of the products that this CPU can run, each with a way to choose it; AMX's twin in C
  /// is always there.
  static var versions: [(name: String, use: () -> Void)] {
    var versions: [(name: String, use: () -> Void)] = []
    for level in cpuLevels() + [DL_CPU_AVX512_BF16, DL_CPU_AMX]
    where dl_cpu_use(level) == level {
      versions.append((name: "version \(level.rawValue)", use: { dl_cpu_use(level) }))
    }
    versions.append((name: "AMX's twin", use: { dl_cpu_use_twin() }))
    return versions
  }

  /// Numbers of all magnitudes, denormals, and those halfway between two bfloat16 among them.
  static func wild(_ count: Int, seed: UInt64) -> [Double] {
    var source = Numbers(seed: seed)
    return (0..<count).map { _ in
      let bits = source.bits()
      let exponent = UInt32(bits >> 32) % 254
      let fraction = bits & 1 == 0 ? UInt32(bits >> 40) & 0x7f_0000 | 0x8000 : UInt32(bits >> 41)
      return Double(
        Float(bitPattern: UInt32(bits >> 63) << 31 | exponent << 23 | fraction & 0x7f_ffff))
    }
  }
}
