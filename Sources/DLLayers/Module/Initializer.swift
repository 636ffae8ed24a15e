import DLTensor

/// A rule for a parameter's first values, which draws its values from a stream of its own.
///
/// The stream is keyed by the run's seed and the parameter's name, so it depends neither on the
/// number of ranks nor on other parameters.
public struct Initializer: Sendable {
  /// Draws all elements, in the order of the parameter's memory.
  let values: @Sendable (Weight, inout RandomStream) -> [Double]
  /// A row of the table that stays zeros, whatever rule the others start by.
  var zeroRow: Int?

  /// The facts that a rule may know of the parameter that it starts.
  struct Weight {
    let shape: Shape
    let layout: ParameterLayout

    /// Elements of a row that belongs to one output.
    var fanIn: Int { shape.count / max(outputs, 1) }
    /// Outputs, times the elements of a kernel's window.
    var fanOut: Int { shape.count / max(inputs, 1) }
    var outputs: Int { layout == .convolution ? shape.last : shape.rank > 0 ? shape[0] : 1 }
    private var inputs: Int { shape.rank < 2 ? 1 : layout == .convolution ? shape[-2] : shape[1] }
  }

  init(values: @escaping @Sendable (Weight, inout RandomStream) -> [Double]) {
    self.values = values
  }

  /// Makes an initializer from a rule that draws one element.
  public init(_ draw: @escaping @Sendable (inout RandomStream) -> Double) {
    self.init { weight, stream in (0..<weight.shape.count).map { _ in draw(&stream) } }
  }

  /// Makes an initializer from a rule that knows the weight.
  fileprivate init(by rule: @escaping @Sendable (Weight) -> Initializer) {
    self.init { rule($0).values($0, &$1) }
  }

  /// Every element equal to `value`.
  public static func constant(_ value: Double) -> Initializer {
    Initializer { weight, _ in [Double](repeating: value, count: weight.shape.count) }
  }

  /// Every element 0, as for the last scale of a residual block.
  public static var zeros: Initializer { .constant(0) }

  /// Every element 1.
  public static var ones: Initializer { .constant(1) }

  /// Uniform in `[-bound, bound)`.
  public static func uniform(bound: Double) -> Initializer {
    Initializer { ($0.uniform() * 2 - 1) * bound }
  }

  /// Normal with mean 0.
  public static func normal(standardDeviation: Double) -> Initializer {
    Initializer { $0.normal() * standardDeviation }
  }

  /// PyTorch's default for weights and biases of linear and convolution layers: uniform in
  /// ±1/√fanIn.
  ///
  /// It is `kaiming_uniform_(a=√5)` for the weight, and `torch.nn.Linear.reset_parameters` for the
  /// bias.
  package static func fanIn(_ fanIn: Int) -> Initializer {
    .uniform(bound: fanIn > 0 ? 1 / Double(fanIn).squareRoot() : 0)
  }
}

/// The activation behind a layer, whose loss of variance the layer's weights make up for.
///
/// Counterpart: `torch.nn.init.calculate_gain`.
public enum Nonlinearity: Sendable {
  /// No activation, or a sigmoid.
  case linear, sigmoid
  /// The hyperbolic tangent.
  case tanh
  /// ReLU, or leaky ReLU with its slope below zero.
  case relu, leakyReLU(Double)
  /// SELU.
  case selu

  /// The factor for the standard deviation.
  package var gain: Double {
    switch self {
    case .linear, .sigmoid: 1
    case .tanh: 5.0 / 3
    case .relu: 2.0.squareRoot()
    case .leakyReLU(let slope): (2 / (1 + slope * slope)).squareRoot()
    case .selu: 0.75
    }
  }
}

/// The variance that He's initialization keeps: that of activations or of gradients.
public enum FanMode: Sendable {
  /// Over the inputs of one output.
  case fanIn
  /// Over the outputs that one input reaches.
  case fanOut

  fileprivate func fan(_ weight: Initializer.Weight) -> Double {
    Double(max(self == .fanIn ? weight.fanIn : weight.fanOut, 1))
  }
}

extension Initializer {
  /// Uniform in ±gain · √(6 / (fanIn + fanOut)).
  ///
  /// Glorot and Bengio 2010. Counterpart: `torch.nn.init.xavier_uniform_`.
  public static func xavierUniform(gain: Double = 1) -> Initializer {
    Initializer(by: { .uniform(bound: gain * (6 / $0.fans).squareRoot()) })
  }

  /// Normal with variance gain² · 2 / (fanIn + fanOut).
  ///
  /// Glorot and Bengio 2010. Counterpart: `torch.nn.init.xavier_normal_`.
  public static func xavierNormal(gain: Double = 1) -> Initializer {
    Initializer(by: { .normal(standardDeviation: gain * (2 / $0.fans).squareRoot()) })
  }

  /// Uniform in ±gain · √(3 / fan).
  ///
  /// He et al. 2015. Counterpart: `torch.nn.init.kaiming_uniform_`.
  public static func heUniform(_ mode: FanMode = .fanIn, for nonlinearity: Nonlinearity = .relu)
    -> Initializer
  {
    Initializer(by: { .uniform(bound: nonlinearity.gain * (3 / mode.fan($0)).squareRoot()) })
  }

  /// Normal with variance gain² / fan.
  ///
  /// He et al. 2015. Counterpart: `torch.nn.init.kaiming_normal_`.
  public static func heNormal(_ mode: FanMode = .fanIn, for nonlinearity: Nonlinearity = .relu)
    -> Initializer
  {
    Initializer(
      by: { .normal(standardDeviation: nonlinearity.gain / mode.fan($0).squareRoot()) })
  }

  /// Normal with mean 0 before what lies outside ±bound was drawn anew.
  ///
  /// Counterpart: `torch.nn.init.trunc_normal_(a=-bound, b=bound)`.
  ///
  /// - Precondition: both are above 0.
  public static func truncatedNormal(standardDeviation: Double = 1, bound: Double = 2)
    -> Initializer
  {
    precondition(standardDeviation > 0 && bound > 0, "truncatedNormal: needs a width above 0")
    return Initializer { stream in
      while true {
        let value = stream.normal() * standardDeviation
        if abs(value) <= bound { return value }
      }
    }
  }

  /// Rows of one output each that are orthogonal and of length gain; the columns, where there are
  /// more rows than elements in one.
  ///
  /// Saxe et al. 2014. Counterpart: `torch.nn.init.orthogonal_`. O(n · k²) for k vectors of n
  /// elements.
  public static func orthogonal(gain: Double = 1) -> Initializer {
    Initializer { weight, stream in
      let (outputs, inputs) = (weight.outputs, weight.fanIn)
      guard outputs > 0, inputs > 0 else { return [] }
      let vectors = orthonormal(min(outputs, inputs), of: max(outputs, inputs), &stream)
      return (0..<weight.shape.count).map { index in
        let (output, input) =
          weight.layout == .convolution
          ? (index % outputs, index / outputs) : (index / inputs, index % inputs)
        return gain * (outputs < inputs ? vectors[output][input] : vectors[input][output])
      }
    }
  }
}

extension Initializer.Weight {
  fileprivate var fans: Double { Double(max(fanIn + fanOut, 1)) }
}

/// Random vectors of length 1, each orthogonal to the others: Gram and Schmidt's method, twice over
/// each so that rounding does not add up.
private func orthonormal(_ count: Int, of width: Int, _ stream: inout RandomStream) -> [[Double]] {
  var vectors: [[Double]] = []
  while vectors.count < count {
    var vector = (0..<width).map { _ in stream.normal() }
    for other in vectors + vectors {
      var along = 0.0
      for index in 0..<width { along += other[index] * vector[index] }
      for index in 0..<width { vector[index] -= along * other[index] }
    }
    let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    // One that nearly lay among the others has lost its digits.
    guard length > 1e-6 else { continue }
    vectors.append(vector.map { $0 / length })
  }
  return vectors
}
