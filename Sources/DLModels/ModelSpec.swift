import DLConfiguration
import DLLayers
import DLTensor

/// A named model with its options, as `model: {name: ..., ...}` gives them.
public protocol ModelSpec: ConfigurationSection {
  /// The name that a configuration gives it.
  static var name: String { get }

  /// Makes the network for inputs of shape `[batch] + input`.
  ///
  /// - Throws: `TensorError` for inputs that the model does not take.
  func network(for input: Shape, classes: Int?) throws -> Module
}

extension ModelSpec {
  /// No options.
  public static var fields: [ConfigurationField<Self>] { [] }
}

/// The fault of heads that do not divide the width, if it is one.
func headProblems(width: Int, heads: Int) -> [ConfigurationProblem] {
  width.isMultiple(of: heads)
    ? []
    : [.init("heads", "width", message: "\(width) features do not divide into \(heads) heads")]
}
