import DLConfiguration
import DLLayers
import DLTensor

/// The models that `model.name` can name.
public enum ModelRegistry {
  /// The library's models: a new one adds its options here.
  package static let builtIn: [any ModelSpec.Type] =
    [
      LeNet5.self, DigitsCNN.self, SmallImageResNet.self, DCGANOptions.self,
      GANOptions.self, VAEOptions.self,
      GPTOptions.self, BERTOptions.self, LSTMLanguageModelOptions.self,
      TranslationTransformerOptions.self, RecurrentTranslationOptions.self, GCNOptions.self,
      GATOptions.self,
      GraphSAGEOptions.self,
      GaussianOptions.self, NGramOptions.self, MLPOptions.self,
      Word2VecOptions.self,
    ]

  private static let registry = TypeRegistry("model", builtIn) { ($0.name, $0) }

  /// All models that a configuration can name.
  public static var all: [any ModelSpec.Type] { registry.all }

  /// Adds a model of a program's own, which a configuration can name from then on.
  ///
  /// - Throws: ``RegistryError`` where another type has the same name.
  public static func register(_ spec: any ModelSpec.Type) throws { try registry.register(spec) }

  static func requireImages(_ name: String, _ input: Shape, _ classes: Int?) throws -> Int {
    guard input.rank == 3, let classes else {
      throw TensorError(
        op: name, "input has shape \(input), expected [height, width, channels] with classes")
    }
    return classes
  }

  static func requireNodes(_ name: String, _ input: Shape, _ classes: Int?) throws -> Int {
    guard input.rank == 1, let classes else {
      throw TensorError(op: name, "input has shape \(input), expected a graph's [features]")
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
