/// The element types that reductions know.
public enum ElementType: Int32, Sendable {
  case float32, float64

  /// Bytes per element.
  package var byteCount: Int { self == .float32 ? 4 : 8 }
}
