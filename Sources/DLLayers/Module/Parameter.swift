import DLCluster
import DLTensor

/// The order of a tensor's axes in memory against that in PyTorch's files.
public enum ParameterLayout: Sendable {
  /// The same in both.
  case plain
  /// `[kernel height, kernel width, in, out]` in memory, `[out, in, kernel height, kernel width]`
  /// in files; `[kernel, in, out]` and `[out, in, kernel]` over sequences.
  ///
  /// A transposed convolution has the layout of the convolution that it transposes: PyTorch's
  /// `[in, out, ...]` has the two the other way round.
  case convolution
  /// `[out, in]` in memory, `[in, out]` in files, as of `Conv1D` in Hugging Face's GPT-2.
  case transposed

  /// A tensor of memory's layout in that of files.
  ///
  /// - Throws: ``TensorError`` for a tensor of another rank.
  package func inFile(_ tensor: Tensor) throws -> Tensor {
    switch self {
    case .plain: tensor
    case .transposed: try tensor.permute(1, 0)
    case .convolution:
      try tensor.shape.rank == 3 ? tensor.permute(2, 1, 0) : tensor.permute(3, 2, 0, 1)
    }
  }

  /// A tensor of a file's layout in that of memory.
  ///
  /// - Throws: ``TensorError`` for a tensor of another rank.
  package func inMemory(_ tensor: Tensor) throws -> Tensor {
    switch self {
    case .plain: tensor
    case .transposed: try tensor.permute(1, 0)
    case .convolution:
      try tensor.shape.rank == 3 ? tensor.permute(2, 1, 0) : tensor.permute(2, 3, 1, 0)
    }
  }
}

/// A trained tensor: a shape and a way to start, and after ``ParameterArena`` was made, its memory.
///
/// Counterpart: `torch.nn.Parameter`.
public final class Parameter {
  /// The shape in memory.
  public let shape: Shape
  /// The order of its axes in files.
  package let layout: ParameterLayout
  /// The rule for its first values; to be set before the arena is made.
  package var initializer: Initializer
  /// True if a configuration has said how it starts.
  var isStartChosen = false
  /// True if it stays as it is loaded: no gradient flows to it and no optimizer changes it; to be
  /// set before the arena is made.
  public var isFrozen = false
  /// The property path, set when the arena is made.
  public internal(set) var name = ""

  var tensor: Tensor?

  /// True if gradients flow to it; from the arena's making on true unless it is frozen.
  ///
  /// Its gradient counts as zero where they do not.
  package var requiresGradient: Bool {
    get { tensor?.requiresGradient ?? !isFrozen }
    set { tensor?.requiresGradient = newValue && !isFrozen }
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
  package var fileShape: Shape {
    switch layout {
    case .plain: shape
    case .transposed: Shape(shape.dimensions.reversed())
    case .convolution: Shape([shape[-1], shape[-2]] + shape.dimensions.dropLast(2))
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
  package let dtype: DType?
  /// Every element's first value.
  package let initialValue: Double
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
