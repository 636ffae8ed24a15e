import DLCluster
import DLTensor

/// How a tensor lies in memory against how PyTorch's files hold it.
public enum ParameterLayout: Sendable {
  /// The same in both.
  case plain
  /// `[kernel height, kernel width, in, out]` in memory, `[out, in, kernel height, kernel width]`
  /// in files.
  case convolution
}

/// A trained tensor: a shape and a way to start, and after ``ParameterArena`` was made, its memory.
///
/// Counterpart: `torch.nn.Parameter`.
public final class Parameter {
  /// The shape in memory.
  public let shape: Shape
  /// How files hold it.
  public let layout: ParameterLayout
  /// How it starts; to be set before the arena is made.
  public var initializer: Initializer
  /// The property path, set when the arena is made.
  public internal(set) var name = ""

  var tensor: Tensor?

  /// Whether gradients flow to it; from the arena's making on true.
  ///
  /// Its gradient counts as zero where they do not.
  public var requiresGradient: Bool {
    get { tensor?.requiresGradient ?? true }
    set { tensor?.requiresGradient = newValue }
  }

  /// Declares a parameter.
  public init(_ shape: Shape, layout: ParameterLayout = .plain, initializer: Initializer) {
    self.shape = shape
    self.layout = layout
    self.initializer = initializer
  }

  /// The tensor, a view into the arena.
  ///
  /// - Throws: ``TensorError`` before the model has an arena.
  public var value: Tensor {
    get throws {
      guard let tensor else {
        throw TensorError(
          op: "parameter",
          "used before the model has memory; make ParameterArena(model, context:) first",
          exitCode: .fault)
      }
      return tensor
    }
  }

  /// The shape that files hold.
  public var fileShape: Shape {
    switch layout {
    case .plain: shape
    case .convolution: [shape[3], shape[2], shape[0], shape[1]]
    }
  }
}

/// A tensor that is saved with the model but not trained, such as running statistics.
///
/// Counterpart: `torch.nn.Module.register_buffer`.
public final class Buffer {
  /// The shape, the same in memory and in files.
  public let shape: Shape
  /// The element type; nil for the context's precision.
  public let dtype: DType?
  /// Every element's first value.
  public let initialValue: Double
  /// The property path, set when the arena is made.
  public internal(set) var name = ""

  var tensor: Tensor?

  /// Declares a buffer.
  public init(_ shape: Shape, dtype: DType? = nil, initialValue: Double = 0) {
    self.shape = shape
    self.dtype = dtype
    self.initialValue = initialValue
  }

  /// The tensor, a view into the arena.
  ///
  /// - Throws: ``TensorError`` before the model has an arena.
  public var value: Tensor {
    get throws {
      guard let tensor else {
        throw TensorError(
          op: "buffer",
          "used before the model has memory; make ParameterArena(model, context:) first",
          exitCode: .fault)
      }
      return tensor
    }
  }
}
