import DLLayers
import DLTensor

/// The models that `model.name` can name.
public enum ModelRegistry {
  /// The library's models: a new one adds its options here.
  public static var specs: [any ModelSpec.Type] {
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
