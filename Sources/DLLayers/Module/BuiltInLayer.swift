import DLTensor

/// The base of the layers that come with dltrain, which is all that programs see of them as a
/// ``Layer``.
///
/// A subclass overrides the internal member that each public one asks: `forward(from:)` computes the
/// output, and the others differ from their defaults where the layer does. A program's own layer
/// has no use for it: it is a ``Module`` and a ``Layer``.
public class BuiltInLayer: Module, Layer {
  /// Computes the output; called through `layer(x)`.
  ///
  /// Shapes: `[batch] + input` to `[batch] + outputShape(for: input)`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public final func forward(_ x: Tensor) throws -> Tensor { try forward(from: x) }

  /// The output's shape without its batch axis, for an input of shape `[batch] + input`.
  ///
  /// - Throws: ``TensorError`` when the layer does not take such an input.
  public final func outputShape(for input: Shape) throws -> Shape { try outputShape(from: input) }

  /// The number of products on the way from an input to an output of these shapes.
  public final func multiplyAdds(input: Shape, output: Shape) -> Int {
    multiplyAdds(from: input, to: output)
  }

  /// The inputs that an output position depends on.
  public final var receptiveField: ReceptiveField { ownReceptiveField }

  /// The order of axes that PyTorch's counterpart takes sequences in; nil where it works on every
  /// element alike.
  public final var sequenceLayout: SequenceLayout? { ownSequenceLayout }

  /// The values that the layer takes.
  public final var inputDomain: ValueDomain { ownInputDomain }

  /// The token that fills rows up, where the layer looks tokens up and knows one.
  public final var inputPadding: Int32? { ownInputPadding }

  /// The valid positions of the output's rows; nil where it has none of the input's any more.
  ///
  /// Shapes: input `[batch, time, ...]`, output `[batch, ...]`, the result int32 `[batch]`.
  ///
  /// - Throws: ``TensorError`` when there is no memory.
  public final func lengths(of output: Tensor, input: Tensor) throws -> Tensor? {
    try lengths(of: output, from: input)
  }

  /// The properties in which parameters, buffers and submodules are looked for, with their names.
  public final override var children: [(name: String, value: Any)] { ownChildren }

  // What subclasses override.

  func forward(from x: Tensor) throws -> Tensor {
    throw TensorError(op: "\(type(of: self))", "the layer computes nothing")
  }

  func outputShape(from input: Shape) throws -> Shape { input }

  func multiplyAdds(from input: Shape, to output: Shape) -> Int { weightProducts(to: output) }

  var ownReceptiveField: ReceptiveField { .position }

  var ownSequenceLayout: SequenceLayout? { nil }

  var ownInputDomain: ValueDomain { .finite }

  var ownInputPadding: Int32? { nil }

  func lengths(of output: Tensor, from input: Tensor) throws -> Tensor? {
    handedLengths(of: output, input: input)
  }

  var ownChildren: [(name: String, value: Any)] { super.children }
}

/// The base of the layers that can take the ReLU of their output in the same pass; ``Sequential``
/// asks for it where a ``ReLU`` follows.
public class ReLUFusingLayer: BuiltInLayer {
  /// Applies the layer, and a ReLU behind it if `relu`; a shape error gets the layer's path.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit, or where there is no memory.
  package final func callAsFunction(_ x: Tensor, relu: Bool) throws -> Tensor {
    try observed(x) { try forward(x, relu: relu) }
  }

  final override func forward(from x: Tensor) throws -> Tensor { try forward(x, relu: false) }

  /// Computes the output, or `max(output, 0)` if `relu`.
  func forward(_ x: Tensor, relu: Bool) throws -> Tensor { try super.forward(from: x) }
}

/// The base of the layers of dltrain's own that have no options, which their name alone makes.
public class PlainLayer: BuiltInLayer, OptionlessLayer {
  /// The name in `model.layers`.
  public static var word: String { ownWord }

  /// Makes the layer.
  public required override init() {}

  /// The name that a subclass has in `model.layers`.
  class var ownWord: String { "" }
}
