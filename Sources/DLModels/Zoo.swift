import DLLayers
import DLTensor

/// The named models.
public enum Zoo {
  /// Makes a model for inputs of shape `[batch] + input`.
  ///
  /// Throws `TensorError` for inputs that the model does not take.
  public typealias Factory = @Sendable (_ input: Shape, _ classes: Int?) throws -> any Layer

  /// The models by the names that a configuration gives them.
  public static let models: [String: Factory] = [
    "lenet5": lenet5,
    "digits_cnn": digitsCNN,
  ]

  static func requireImages(_ name: String, _ input: Shape, _ classes: Int?) throws -> Int {
    guard input.rank == 3, let classes else {
      throw TensorError(
        op: name, "input has shape \(input), expected [height, width, channels] with classes")
    }
    return classes
  }
}
