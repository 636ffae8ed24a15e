import DLConfiguration
import DLTensor

/// The options of one word of `model.layers`, and the layer that they make.
///
/// Stands beside its layer; ``LayerConfiguration/words`` lists it.
public protocol LayerWord: ConfigurationOption {
  /// Makes the layer for inputs of shape `[batch] + input`.
  ///
  /// - Throws: ``TensorError`` when no such layer takes the input.
  func layer(for input: Shape) throws -> any Layer
}

extension LayerWord {
  /// No options.
  public static var fields: [ConfigurationField<Self>] { [] }
}

/// A layer without options, whose word makes it as it is.
public protocol PlainLayer: Layer {
  /// The word as written in `model.layers`.
  static var word: String { get }
  /// Makes the layer.
  init()
}

/// The word of a layer without options.
public struct PlainWord<Plain: PlainLayer>: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { Plain.word }
  /// Makes the word.
  public init() {}
  /// Makes the layer.
  public func layer(for input: Shape) -> any Layer { Plain() }
}

extension LayerConfiguration {
  /// The layer words: a new layer adds its own here.
  public static var words: [any LayerWord.Type] {
    [
      Conv1dWord.self,
      Conv2dWord.self,
      ConvTranspose1dWord.self,
      ConvTranspose2dWord.self,
      BatchNormWord.self,
      LayerNormWord.self,
      GroupNormWord.self,
      InstanceNormWord.self,
      RMSNormWord.self,
      PlainWord<ReLU>.self,
      LeakyReluWord.self,
      PlainWord<Sigmoid>.self,
      PlainWord<Tanh>.self,
      GeluWord.self,
      PlainWord<SiLU>.self,
      PlainWord<Softmax>.self,
      PlainWord<LogSoftmax>.self,
      PlainWord<ReLU6>.self,
      PlainWord<HardSigmoid>.self,
      PlainWord<HardSwish>.self,
      EluWord.self,
      PlainWord<SELU>.self,
      SoftplusWord.self,
      PreluWord.self,
      MaxoutWord.self,
      MaxPool1dWord.self,
      MaxPool2dWord.self,
      AvgPool1dWord.self,
      AvgPool2dWord.self,
      AdaptiveAvgPool1dWord.self,
      AdaptiveAvgPool2dWord.self,
      AdaptiveMaxPool1dWord.self,
      AdaptiveMaxPool2dWord.self,
      PlainWord<GlobalAvgPool1d>.self,
      PlainWord<GlobalAvgPool2d>.self,
      PlainWord<GlobalMaxPool1d>.self,
      PlainWord<GlobalMaxPool2d>.self,
      UpsampleWord.self,
      PixelShuffleWord.self,
      PixelUnshuffleWord.self,
      ZeroPad2dWord.self,
      SpatialTransformerWord.self,
      ResidualWord.self,
      PlainWord<Flatten>.self,
      DropoutWord.self,
      ChannelDropoutWord.self,
      DropPathWord.self,
      LinearWord.self,
      RNNWord.self,
      LSTMWord.self,
      GRUWord.self,
      EmbeddingWord.self,
      EmbeddingBagWord.self,
      PositionalWord.self,
      MultiHeadAttentionWord.self,
      TransformerEncoderLayerWord.self,
    ]
  }
}

// Sizes are bounded so that products of four of them stay within an Int.
extension ConfigurationRule {
  /// The sizes that a layer may have: 1 to 2^20.
  public static let layerSize = within(1...1_048_576)
  /// The extents that a window may have.
  public static let windowExtent = within(1...1024)
  /// The padding around an input.
  public static let windowMargin = within(0...1024)
}
