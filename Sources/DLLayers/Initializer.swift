import DLTensor

/// How a parameter starts: a rule that draws its values from a stream of its own.
///
/// The stream is keyed by the run's seed and the parameter's name, so it depends neither on the
/// number of ranks nor on other parameters.
public struct Initializer: Sendable {
  /// Draws one element after the other, in the order of the parameter's memory.
  let draw: @Sendable (inout RandomStream) -> Double

  /// Makes an initializer from a rule that draws one element.
  public init(_ draw: @escaping @Sendable (inout RandomStream) -> Double) { self.draw = draw }

  /// Every element equal to `value`.
  public static func constant(_ value: Double) -> Initializer { Initializer { _ in value } }

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
  public static func fanIn(_ fanIn: Int) -> Initializer {
    .uniform(bound: fanIn > 0 ? 1 / Double(fanIn).squareRoot() : 0)
  }
}
