import CKernels
import DLCluster
import DLCore

/// The element type of a tensor.
public enum DType: String, Sendable, Hashable, CaseIterable {
  case float32, float64, bfloat16, int32, int64, uint8

  /// Bytes per element.
  public var byteCount: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32: 4
    case .bfloat16: 2
    case .uint8: 1
    }
  }

  /// True if the type takes part in differentiation and in the kernels of CKernels.
  public var isReal: Bool { self == .float32 || self == .float64 }

  /// The kernels' name of the type.
  ///
  /// - Precondition: it is ``isReal``; kernels would take other elements for float64.
  package var kernel: dl_dtype {
    precondition(isReal, "kernels compute in float32 or float64")
    return self == .float32 ? DL_F32 : DL_F64
  }

  /// The reductions' name of the type.
  ///
  /// - Precondition: it is ``isReal``.
  package var element: ElementType {
    precondition(isReal, "reductions add float32 or float64")
    return self == .float32 ? .float32 : .float64
  }
}
