/// The layers that `model.layers` can name.
public enum LayerRegistry {
  /// The library's layers: a new one adds its options here.
  package static let builtIn: [any LayerSpec.Type] =
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
      OptionlessSpec<ReLU>.self,
      LeakyReluWord.self,
      OptionlessSpec<Sigmoid>.self,
      OptionlessSpec<Tanh>.self,
      GeluWord.self,
      OptionlessSpec<SiLU>.self,
      OptionlessSpec<Softmax>.self,
      OptionlessSpec<LogSoftmax>.self,
      OptionlessSpec<ReLU6>.self,
      OptionlessSpec<HardSigmoid>.self,
      OptionlessSpec<HardSwish>.self,
      EluWord.self,
      OptionlessSpec<SELU>.self,
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
      OptionlessSpec<GlobalAvgPool1d>.self,
      OptionlessSpec<GlobalAvgPool2d>.self,
      OptionlessSpec<GlobalMaxPool1d>.self,
      OptionlessSpec<GlobalMaxPool2d>.self,
      UpsampleWord.self,
      PixelShuffleWord.self,
      PixelUnshuffleWord.self,
      ZeroPad2dWord.self,
      SpatialTransformerWord.self,
      SqueezeExcitation.Options.self,
      ResidualWord.self,
      OptionlessSpec<Flatten>.self,
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

  private static let registry = SpecRegistry("layer", builtIn) { ($0.word, $0) }

  /// All layers that a configuration can name.
  public static var specs: [any LayerSpec.Type] { registry.specs }

  /// Adds a layer of a program's own, which a configuration can name from then on.
  ///
  /// Every rank and every command of the program registers it first of all:
  ///
  /// ```swift
  /// try LayerRegistry.register(LayerScale.Options.self)
  /// ```
  ///
  /// - Throws: ``RegistryError`` where another type has the same name.
  public static func register(_ spec: any LayerSpec.Type) throws { try registry.register(spec) }
}
