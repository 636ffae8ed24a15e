import Glibc
import CKernels

/// An array of numbers of one type, contiguous and row-major, that takes part in automatic
/// differentiation.
///
/// Images are `[batch, height, width, channels]`. A tensor belongs to one rank's ``Context``.
public final class Tensor {
  /// The extents, outermost first.
  public let shape: Shape
  /// The element type.
  public let dtype: DType
  /// The rank's context.
  public let context: Context
  /// The first element; 64-byte aligned unless the tensor is a view of rows.
  package let pointer: UnsafeMutableRawPointer
  /// The number of elements.
  public let count: Int
  /// True if gradients flow to this tensor.
  public package(set) var requiresGradient = false
  /// The valid positions of each row along the second axis, int32 `[batch]`, those behind them being
  /// padding; nil where all of them are valid.
  ///
  /// Layers hand them on from input to output. Counterpart: Keras's masks.
  public var lengths: Tensor?
  /// The gradient, once a backward pass has reached this tensor and it is a leaf.
  public internal(set) var gradient: Tensor?

  /// True if ``gradient`` holds values of the current pass; a parameter's gradient memory outlives
  /// its values.
  var hasGradient = false
  /// The number by which a ``GradientWatch`` knows a leaf; negative for what is not watched.
  var leaf: Int32 = -1
  /// True if the gradient was declared complete, so that others may have read it.
  var isGradientComplete = false
  private let storage: Storage

  init(
    shape: Shape, dtype: DType, context: Context, storage: Storage, pointer: UnsafeMutableRawPointer
  ) {
    self.shape = shape
    self.dtype = dtype
    self.context = context
    self.storage = storage
    self.pointer = pointer
    count = shape.count
  }

  /// Makes a tensor of any shape over memory that `owner` keeps alive, such as an arena or a batch
  /// buffer.
  public convenience init(
    borrowing pointer: UnsafeMutableRawPointer, shape: Shape, dtype: DType, owner: AnyObject?,
    context: Context
  ) {
    let storage = Storage(borrowing: pointer, owner: owner)
    self.init(shape: shape, dtype: dtype, context: context, storage: storage, pointer: pointer)
  }

  /// Makes a leaf whose gradient goes to memory of its own, as parameters do.
  package func bindGradient(_ gradient: Tensor) {
    requiresGradient = true
    self.gradient = gradient
    hasGradient = false
  }

  /// Marks a tensor of any shape that the program made as one to differentiate by; returns it.
  @discardableResult
  public func requiringGradient() -> Tensor {
    requiresGradient = true
    return self
  }

  /// Starts a new step: the next gradient overwrites what a bound gradient holds.
  package func resetGradient() {
    hasGradient = false
    isGradientComplete = false
  }

  /// True if the current pass has written ``gradient``.
  package var isGradientWritten: Bool { hasGradient }

  /// The kernels' name of the type that products of this tensor are computed in.
  ///
  /// - Precondition: the type ``DType/isReal``.
  var productType: dl_dtype {
    context.roundsProducts && dtype == .float32 ? DL_BF16 : dtype.kernel
  }

  /// Bytes of the elements.
  package var byteCount: Int { count * dtype.byteCount }

  /// The elements as raw bytes.
  package var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: pointer, count: byteCount)
  }

  /// The same memory under another shape, from a byte on, not recorded.
  func view(_ shape: Shape, offset: Int = 0) -> Tensor {
    Tensor(
      shape: shape, dtype: dtype, context: context, storage: storage, pointer: pointer + offset)
  }

  /// Neighboring elements, the first of them at `offset`, not recorded.
  func view(_ shape: Shape, from offset: Int) -> Tensor {
    Tensor(
      shape: shape, dtype: dtype, context: context, storage: storage,
      pointer: pointer + offset * dtype.byteCount)
  }
}

extension Tensor {
  /// Makes a tensor with undefined elements.
  ///
  /// Shapes: any, as given.
  ///
  /// - Throws: ``TensorError`` when there is no memory for it.
  public static func empty(_ shape: Shape, dtype: DType? = nil, context: Context) throws -> Tensor {
    let dtype = dtype ?? context.precision
    // BLAS counts in 32 bits: below this bound every extent and product of extents fits.
    guard shape.count <= Int(Int32.max) else {
      throw TensorError(
        op: "tensor", "shape \(shape) has more than \(Int32.max) elements; use a smaller batch")
    }
    context.progress?.heartbeat()
    let storage = try Storage(pool: context.pool, byteCount: shape.count * dtype.byteCount)
    return Tensor(
      shape: shape, dtype: dtype, context: context, storage: storage, pointer: storage.pointer)
  }

  /// Makes a tensor of zeros.
  ///
  /// Shapes: any, as given.
  ///
  /// - Throws: ``TensorError`` where there is no memory.
  public static func zeros(_ shape: Shape, dtype: DType? = nil, context: Context) throws -> Tensor {
    let result = try empty(shape, dtype: dtype, context: context)
    memset(result.pointer, 0, result.byteCount)
    return result
  }

  /// Makes a float tensor with every element equal to `value`.
  ///
  /// Shapes: any, as given.
  ///
  /// - Throws: ``TensorError`` where there is no memory.
  public static func full(
    _ shape: Shape, _ value: Double, dtype: DType? = nil, context: Context
  ) throws -> Tensor {
    let result = try empty(shape, dtype: dtype, context: context)
    dl_fill(result.dtype.kernel, value, result.pointer, result.count)
    return result
  }

  /// Makes a float tensor of the given values, in row-major order.
  ///
  /// Shapes: any, as given, with an element for each value.
  ///
  /// - Throws: ``TensorError`` when their number is not the shape's.
  public static func values(
    _ values: [Double], shape: Shape, dtype: DType? = nil, context: Context
  ) throws -> Tensor {
    guard values.count == shape.count else {
      throw TensorError(
        op: "tensor", "shape \(shape) takes \(shape.count) values, got \(values.count)")
    }
    let result = try empty(shape, dtype: dtype, context: context)
    result.assign(values)
    return result
  }

  /// Makes an int32 tensor, as labels are.
  ///
  /// Shapes: any, as given, or `[count]` of the values.
  ///
  /// - Throws: ``TensorError`` where there is no memory.
  public static func labels(_ values: [Int32], shape: Shape? = nil, context: Context) throws
    -> Tensor
  {
    let result = try empty(shape ?? [values.count], dtype: .int32, context: context)
    guard values.count == result.count else {
      throw TensorError(op: "labels", "shape \(result.shape) does not hold \(values.count) values")
    }
    values.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress {
        result.pointer.copyMemory(from: base, byteCount: bytes.count)
      }
    }
    return result
  }

  /// The elements as doubles, whatever the type.
  public var doubles: [Double] {
    func converted<T>(_ type: T.Type, _ convert: (T) -> Double) -> [Double] {
      let elements = UnsafeBufferPointer(start: pointer.assumingMemoryBound(to: type), count: count)
      return elements.map(convert)
    }
    return switch dtype {
    case .float32: converted(Float.self) { Double($0) }
    case .float64: converted(Double.self) { $0 }
    case .int32: converted(Int32.self) { Double($0) }
    case .int64: converted(Int64.self) { Double($0) }
    case .uint8: converted(UInt8.self) { Double($0) }
    case .bfloat16: converted(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
    }
  }

  /// Overwrites a float tensor's elements.
  ///
  /// - Precondition: as many values as elements, in a float32 or float64 tensor.
  package func assign(_ values: [Double]) {
    precondition(values.count == count && dtype.isReal)
    values.withUnsafeBytes {
      if let base = $0.baseAddress { dl_cast(DL_F64, base, dtype.kernel, pointer, count) }
    }
  }

  /// The value of a scalar.
  public var scalar: Double {
    switch dtype {
    case .float32: Double(pointer.load(as: Float.self))
    case .float64: pointer.load(as: Double.self)
    default: doubles.first ?? .nan
    }
  }
}
