import CKernels
import DLTensor

/// A range of the parameter arena with its gradients and optimizer state.
public struct ArenaSlice {
  /// The type of parameters, gradients and state: float32 or float64.
  public let dtype: DType

  /// The number of elements.
  public let count: Int

  /// The first parameter of the range.
  public let parameters: UnsafeMutableRawPointer

  /// The gradient of the first parameter.
  public let gradients: UnsafeMutableRawPointer

  /// The state of the first parameter, in the order of the `stateNames` of the rule, or of the
  /// `ArenaUpdate`.
  public let state: StatePointers

  /// The place where a ``ChecksummingOptimizer`` leaves the checksums of parameters and state,
  /// where any are wanted.
  var checksums: UnsafePointer<dl_checksums>?

  /// Describes a range; the buffers do not overlap and outlive the slice.
  package init(
    dtype: DType, count: Int, parameters: UnsafeMutableRawPointer,
    gradients: UnsafeMutableRawPointer, state: StatePointers = StatePointers()
  ) {
    self.init(
      dtype: dtype, count: count, parameters: parameters, gradients: gradients, state: state,
      checksums: nil)
  }

  private init(
    dtype: DType, count: Int, parameters: UnsafeMutableRawPointer,
    gradients: UnsafeMutableRawPointer, state: StatePointers,
    checksums: UnsafePointer<dl_checksums>?
  ) {
    precondition(dtype.isReal, "an arena is float32 or float64")
    self.checksums = checksums
    self.dtype = dtype
    self.count = count
    self.parameters = parameters
    self.gradients = gradients
    self.state = state
  }

  /// The part of the slice at `range`, counted in elements from its beginning.
  package subscript(range: Range<Int>) -> ArenaSlice {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside the slice")
    let offset = range.lowerBound * dtype.byteCount
    return ArenaSlice(
      dtype: dtype, count: range.count, parameters: parameters + offset,
      gradients: gradients + offset, state: state.advanced(by: offset))
  }

  /// The same elements with some of their states alone.
  func states(_ places: [Int]) -> ArenaSlice {
    ArenaSlice(
      dtype: dtype, count: count, parameters: parameters, gradients: gradients,
      state: state[places], checksums: checksums)
  }
}

/// A slice of the arena that a rank owns, with its place there.
package struct OwnedSlice {
  /// The elements with their gradients and state.
  package let slice: ArenaSlice

  /// Its elements' places in the arena.
  package let range: Range<Int>

  /// Places a slice whose first element is `start` of the arena.
  package init(_ slice: ArenaSlice, at start: Int) {
    self.slice = slice
    range = start..<start + slice.count
  }

  /// The part of a range of the arena that this slice has.
  package func part(of range: Range<Int>) -> ArenaSlice {
    let part = range.clamped(to: self.range)
    return slice[part.lowerBound - self.range.lowerBound..<part.upperBound - self.range.lowerBound]
  }
}

/// Up to three state buffers, held inline so that a step allocates nothing.
public struct StatePointers {
  private let buffers:
    (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?)

  /// Holds the buffers in the order of a rule's `stateNames`.
  package init(
    _ first: UnsafeMutableRawPointer? = nil, _ second: UnsafeMutableRawPointer? = nil,
    _ third: UnsafeMutableRawPointer? = nil
  ) {
    buffers = (first, second, third)
  }

  /// The buffer at `index`; nil where the slice has none.
  public subscript(index: Int) -> UnsafeMutableRawPointer? {
    switch index {
    case 0: buffers.0
    case 1: buffers.1
    case 2: buffers.2
    default: nil
    }
  }

  /// The most buffers.
  package static let capacity = 3

  /// Some of the buffers, in the order of their places.
  subscript(places: [Int]) -> StatePointers {
    func buffer(_ index: Int) -> UnsafeMutableRawPointer? {
      index < places.count ? self[places[index]] : nil
    }
    return StatePointers(buffer(0), buffer(1), buffer(2))
  }

  /// The same buffers, `byteCount` bytes further on.
  package func advanced(by byteCount: Int) -> StatePointers {
    StatePointers(
      buffers.0.map { $0 + byteCount }, buffers.1.map { $0 + byteCount },
      buffers.2.map { $0 + byteCount })
  }
}
