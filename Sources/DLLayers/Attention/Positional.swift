import DLConfiguration
import DLTensor

/// The base of the layers that tell positions apart, and can start at any of them.
public class PositionalLayer: BuiltInLayer {
  /// PyTorch's counterpart takes `[batch, time, features]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsLast }

  /// Adds positions from 0 on.
  final override func forward(from x: Tensor) throws -> Tensor { try forward(x, offset: 0) }

  /// Adds positions from `offset` on; subclasses override it.
  ///
  /// - Throws: ``TensorError`` for a shape or an offset that does not fit.
  func forward(_ x: Tensor, offset: Int) throws -> Tensor { try super.forward(from: x) }

  /// Adds positions from `offset` on, as where a cache holds those before.
  ///
  /// Shapes: `[batch, time, size]`, unchanged.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public final func callAsFunction(_ x: Tensor, offset: Int) throws -> Tensor {
    let y = try applied(in: x.context) { try forward(x, offset: offset) }
    try handOnLengths(from: x, to: y)
    return y
  }
}

/// Adds sines and cosines of the position: `x[t, 2j] + sin(t / 10000^(2j / size))`, and the cosine
/// to feature 2j + 1.
///
/// Shapes: `[batch, time, size]`, unchanged, for any time. Has no parameters. Vaswani et al. 2017,
/// section 3.5.
public final class SinusoidalPositions: PositionalLayer {
  private var table: Tensor?

  /// Adds positions from `offset` on.
  override func forward(_ x: Tensor, offset: Int) throws -> Tensor {
    guard x.shape.rank == 3, (0...Int(Int32.max)).contains(offset) else {
      throw TensorError(
        op: "positional", "input has shape \(x.shape) at \(offset), expected [batch, time, size]")
    }
    let (end, size) = (offset + x.shape[1], x.shape[2])
    if let table, table.shape[0] >= end, table.shape[1] == size, table.dtype == x.dtype {
      return try x.addingPositions(table, offset: offset)
    }
    // Some more, since a text that grows comes again one longer.
    let longer = try Tensor.sinusoids(time: end + end / 2, size: size, context: x.context)
    table = longer
    return try x.addingPositions(longer, offset: offset)
  }

  override func outputShape(from input: Shape) throws -> Shape {
    try requireText(input)
    return input
  }
}

/// Adds a trained vector for each position.
///
/// Shapes: `[batch, time, features]`, unchanged, for a time up to `length`; weight
/// `[length, features]`, from N(0, 1) by default. Counterpart: adding
/// `torch.nn.Embedding(length, features)(arange(time))`.
public final class LearnedPositions: PositionalLayer {
  /// The table, `[length, features]`.
  public let weight: Parameter

  /// Makes a layer for texts of up to `length` positions.
  public init(
    length: Int, features: Int, initializer: Initializer = .normal(standardDeviation: 1)
  ) {
    weight = Parameter([length, features], initializer: initializer)
  }

  /// Adds positions from `offset` on.
  override func forward(_ x: Tensor, offset: Int) throws -> Tensor {
    try x.addingPositions(weight.value, offset: offset)
  }

  /// The number of products, which is 0: positions are added.
  override func multiplyAdds(from input: Shape, to output: Shape) -> Int { 0 }

  override func outputShape(from input: Shape) throws -> Shape {
    try requireText(input)
    guard input[0] <= weight.shape[0], input[1] == weight.shape[1] else {
      throw TensorError(
        op: "positional",
        "input has shape \(input), the table \(weight.shape); use a longer table")
    }
    return input
  }
}

/// - Throws: `TensorError` unless `input` is `[time, size]`.
private func requireText(_ input: Shape) throws {
  guard input.rank == 2 else {
    throw TensorError(op: "positional", "input has shape \(input), expected [time, size]")
  }
}

/// Positions added to [batch, time, features]; rotary ones are an option of attention.
package struct PositionalOptions: LayerSpec {
  /// The functions of a position that can be added: fixed sines and cosines, or a trained table.
  package enum Kind: String, ConfigurationWord { case sinusoidal, learned }
  package static var word: String { "positional" }
  /// Sinusoidal or learned.
  package var kind = Kind.sinusoidal
  /// The longest text that learned positions take; the data's length unless given.
  package var length: Int?
  package init() {}
  package static var fields: [ConfigurationField<Self>] {
    [
      .init("kind", \.kind, "sinusoidal or learned; rotary ones are an option of attention"),
      .init(
        "length", \.length, .layerSize,
        "the longest text that learned positions take; the data's length unless given"),
    ]
  }
  package func layer(for input: Shape) throws -> any Layer {
    try requireText(input)
    return switch kind {
    case .sinusoidal: SinusoidalPositions()
    case .learned: LearnedPositions(length: length ?? input[0], features: input[1])
    }
  }
}
