import DLTensor

/// The base of everything that holds parameters: layers, blocks, whole networks.
///
/// Subclasses declare their parameters, buffers and submodules as stored properties. They are found
/// by reflection, once, when ``ParameterArena`` is made, and named by property path, as in
/// `layer1.0.conv1.weight`: camelCase becomes snake_case, arrays number their elements, so the
/// names are those of PyTorch's `state_dict`.
///
/// Counterpart: `torch.nn.Module`.
open class Module {
  /// The property path from the root of the model, set when the arena is made; empty for the root.
  public internal(set) var path = ""

  /// Makes a module without a path.
  public init() {}

  /// The properties in which parameters, buffers and submodules are looked for, with their names.
  ///
  /// By default every stored property. Containers whose children have no name of their own override
  /// it.
  open var children: [(name: String, value: Any)] {
    var mirrors: [Mirror] = []
    var mirror: Mirror? = Mirror(reflecting: self)
    while let current = mirror, current.subjectType != Module.self {
      mirrors.append(current)
      mirror = current.superclassMirror
    }
    return mirrors.reversed().flatMap { mirror in
      mirror.children.compactMap { child in
        child.label.map { (snakeCase($0), child.value) }
      }
    }
  }

  /// The name, as "an embedding with max_norm", of a module that changes its weights while it goes
  /// forward, so that ranks cannot share them; nil for any other.
  package var weightChange: String? { nil }

  /// Runs `body`, adding this module's path to a shape error that has none yet.
  ///
  /// - Throws: what `body` throws.
  package final func located<R>(_ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch var error as TensorError where error.path == nil {
      error.path = path.isEmpty ? nil : path
      throw error
    }
  }
}

extension Module {
  /// Runs `body`, which applies the module: a shape error gets its path, and a profile counts ops as
  /// its own.
  final func applied<R>(in context: Context, _ body: () throws -> R) throws -> R {
    guard let profile = context.profile else { return try located(body) }
    profile.enter(layer: path)
    defer { profile.leave() }
    return try located(body)
  }
}

/// A module that maps one tensor to one tensor.
public protocol Layer: Module {
  /// Computes the output; called through `layer(x)`.
  ///
  /// Shapes: `[batch] + input` to `[batch] + outputShape(for: input)`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  func forward(_ x: Tensor) throws -> Tensor

  /// The output's shape without its batch axis, for an input of shape `[batch] + input`.
  ///
  /// - Throws: ``TensorError`` when the layer does not take such an input.
  func outputShape(for input: Shape) throws -> Shape

  /// The number of products that are added up on the way from an input to an output of these
  /// shapes, their batch axes included.
  ///
  /// By default each weight with two axes or more is used once per position of the output, as in
  /// linear layers and convolutions; what works on weights in another way says so.
  func multiplyAdds(input: Shape, output: Shape) -> Int

  /// The inputs that an output position depends on; by default the one at its own place.
  var receptiveField: ReceptiveField { get }

  /// The order of axes that PyTorch's counterpart takes sequences in; nil, the default, where it
  /// works on every element alike. A ``Flatten`` behind the layer goes by it.
  var sequenceLayout: SequenceLayout? { get }

  /// The values that the layer takes; any finite ones by default. A network says what its first
  /// layer takes, such as the rows of a table of tokens.
  var inputDomain: ValueDomain { get }

  /// The token that fills rows up, where the layer looks tokens up and knows one.
  var inputPadding: Int32? { get }

  /// The valid positions of the output's rows, where those of the input's are known; nil where the
  /// output has no positions of the input any more. By default the input's, as long as the second
  /// axis stays as long as it was.
  ///
  /// Shapes: input `[batch, time, ...]`, output `[batch, ...]`, the result int32 `[batch]`.
  ///
  /// - Throws: ``TensorError`` when there is no memory.
  func lengths(of output: Tensor, input: Tensor) throws -> Tensor?
}

extension Layer {
  /// Applies the layer; a shape error gets the layer's path.
  ///
  /// Shapes: `[batch] + input` to `[batch] + outputShape(for: input)`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(_ x: Tensor) throws -> Tensor {
    try observed(x) { try forward(x) }
  }

  /// Runs a way through the layer that takes more than its input, as a call without more is run.
  func observed(_ x: Tensor, _ body: () throws -> Tensor) throws -> Tensor {
    let y = try applied(in: x.context, body)
    try handOnLengths(from: x, to: y)
    if let observer = y.context.layerObserver { observer(self, x, y) }
    return y
  }

  /// Notes on tokens `[batch, time]` that do not say so yet where each row's padding begins, if the
  /// layer knows the token for it.
  ///
  /// - Throws: ``TensorError`` when there is no memory.
  package func noteLengths(of tokens: Tensor) throws {
    guard tokens.lengths == nil, let inputPadding, tokens.shape.rank == 2 else { return }
    tokens.lengths = try tokens.lengths(padding: inputPadding)
  }

  func handOnLengths(from x: Tensor, to y: Tensor) throws {
    if x.lengths != nil, y.lengths == nil { y.lengths = try lengths(of: y, input: x) }
  }

  /// The input's, where the second axis is as long.
  ///
  /// Shapes: input `[batch, time, ...]`, output `[batch, ...]`, the result int32 `[batch]`.
  public func lengths(of output: Tensor, input: Tensor) -> Tensor? {
    handedLengths(of: output, input: input)
  }

  /// The input's, where the second axis is as long.
  func handedLengths(of output: Tensor, input: Tensor) -> Tensor? {
    output.shape.rank > 2 && output.shape[1] == input.shape[1] ? input.lengths : nil
  }

  /// No token is padding.
  public var inputPadding: Int32? { nil }

  /// Any finite number.
  public var inputDomain: ValueDomain { .finite }

  /// The input's shape, as for everything that works element by element.
  public func outputShape(for input: Shape) -> Shape { input }
}

/// `runningMean` as `running_mean`.
func snakeCase(_ name: String) -> String {
  var result = ""
  for character in name {
    if character.isUppercase {
      result += "_" + character.lowercased()
    } else {
      result.append(character)
    }
  }
  return result
}
