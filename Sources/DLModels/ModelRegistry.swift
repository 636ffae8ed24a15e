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
      TranslationTransformerOptions.self, RecurrentTranslationOptions.self,
      NonAutoregressiveOptions.self, GCNOptions.self, GATOptions.self,
      GraphSAGEOptions.self, GINOptions.self,
      GaussianOptions.self, NGramOptions.self, MLPOptions.self, Word2VecOptions.self,
      ResNetOptions.self, VGGOptions.self, AlexNetOptions.self, VisionTransformerOptions.self,
      MobileNetV2Options.self, DenseNetOptions.self, GPT2Options.self, BERTBaseOptions.self,
    ]

  private static let registry = TypeRegistry("model", builtIn) { ($0.name, $0) }

  /// All models that a configuration can name.
  package static var all: [any ModelSpec.Type] { registry.all }

  /// Adds a model of a program's own, which a configuration can name from then on.
  ///
  /// - Throws: ``RegistryError`` where another type has the same name.
  public static func register(_ spec: any ModelSpec.Type) throws { try registry.register(spec) }

  static func requireImages(_ name: String, _ input: Shape, _ classes: Int?) throws -> Int {
    guard input.rank == 3, let classes else {
      throw TensorError(
        op: name,
        "input has shape \(input), expected [height, width, channels] with classes"
          + (input.rank == 2 ? "; gray images need a last axis of 1" : ""))
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

  /// The size of a table that was given, or the one that the data need.
  static func size(_ name: String, _ key: String, _ given: Int?, _ needed: Int) throws -> Int {
    guard let given, given < needed else { return given ?? needed }
    throw TensorError(op: name, "\(key) is \(given), the data need \(needed)")
  }
}
