import CKernels

/// Functions of real numbers with the same bits on every kind of CPU, which those of a C library have
/// not: whatever reaches weights, data or metrics is computed by these.
package enum PortableMath {
  /// e to the power of `x`.
  package static func exp(_ x: Double) -> Double { dl_exp(x) }

  /// The natural logarithm.
  package static func log(_ x: Double) -> Double { dl_log(x) }

  /// `x` to the power of `y`.
  package static func pow(_ x: Double, _ y: Double) -> Double { dl_pow(x, y) }

  /// The sine of an angle in radians.
  package static func sin(_ x: Double) -> Double { dl_sin(x) }

  /// The cosine of an angle in radians.
  package static func cos(_ x: Double) -> Double { dl_cos(x) }
}
