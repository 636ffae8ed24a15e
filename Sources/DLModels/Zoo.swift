import DLConfiguration
import DLLayers
import DLTensor

/// A named model with its options, as `model: {name: ..., ...}` gives them.
public protocol ZooModel: ConfigurationSection {
  /// The name that a configuration gives it.
  static var name: String { get }

  /// Makes the network for inputs of shape `[batch] + input`.
  ///
  /// - Throws: `TensorError` for inputs that the model does not take.
  func network(for input: Shape, classes: Int?) throws -> Module
}

extension ZooModel {
  /// No options.
  public static var fields: [ConfigurationField<Self>] { [] }
}

/// The named models.
public enum Zoo {
  /// The models: a new one adds its options here.
  public static var models: [any ZooModel.Type] {
    [
      LeNet5.self, DigitsCNN.self, SmallImageResNet.self, DCGANOptions.self,
      GPTOptions.self, LSTMLanguageModelOptions.self,
      TranslationTransformerOptions.self, GCNOptions.self,
    ]
  }

  static func requireImages(_ name: String, _ input: Shape, _ classes: Int?) throws -> Int {
    guard input.rank == 3, let classes else {
      throw TensorError(
        op: name, "input has shape \(input), expected [height, width, channels] with classes")
    }
    return classes
  }

  static func requireTokens(_ name: String, _ input: Shape, _ classes: Int?) throws -> Int {
    guard input.rank == 1, let classes else {
      throw TensorError(
        op: name, "input has shape \(input), expected [time] tokens; pack a text, give data.window")
    }
    return classes
  }
}
