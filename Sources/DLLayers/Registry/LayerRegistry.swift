import DLConfiguration

/// The layers that `model.layers` can name.
public enum LayerRegistry {
  /// The library's layers: a new one adds its options here.
  package static let builtIn: [any LayerSpec.Type] =
    [
      Conv1d.Options.self,
      Conv2d.Options.self,
      ConvTranspose1d.Options.self,
      ConvTranspose2d.Options.self,
      BatchNorm.Options.self,
      LayerNorm.Options.self,
      GroupNorm.Options.self,
      InstanceNorm.Options.self,
      RMSNorm.Options.self,
      SpectralNorm.Options.self,
      OptionlessSpec<ReLU>.self,
      LeakyReLU.Options.self,
      OptionlessSpec<Sigmoid>.self,
      OptionlessSpec<Tanh>.self,
      GELU.Options.self,
      OptionlessSpec<SiLU>.self,
      OptionlessSpec<Softmax>.self,
      OptionlessSpec<LogSoftmax>.self,
      OptionlessSpec<ReLU6>.self,
      OptionlessSpec<HardSigmoid>.self,
      OptionlessSpec<HardSwish>.self,
      ELU.Options.self,
      OptionlessSpec<SELU>.self,
      Softplus.Options.self,
      PReLU.Options.self,
      Maxout.Options.self,
      MaxPool1d.Options.self,
      MaxPool2d.Options.self,
      AvgPool1d.Options.self,
      AvgPool2d.Options.self,
      AdaptiveAvgPool1d.Options.self,
      AdaptiveAvgPool2d.Options.self,
      AdaptiveMaxPool1d.Options.self,
      AdaptiveMaxPool2d.Options.self,
      OptionlessSpec<GlobalAvgPool1d>.self,
      OptionlessSpec<GlobalAvgPool2d>.self,
      OptionlessSpec<GlobalMaxPool1d>.self,
      OptionlessSpec<GlobalMaxPool2d>.self,
      Upsample.Options.self,
      PixelShuffle.Options.self,
      PixelUnshuffle.Options.self,
      ZeroPad2d.Options.self,
      SpatialTransformer.Options.self,
      SqueezeExcitation.Options.self,
      Residual.Options.self,
      Concat.Options.self,
      BranchSum.Options.self,
      BranchProduct.Options.self,
      Sequential.Options.self,
      Repeat.self,
      DenseBlock.Options.self,
      OptionlessSpec<Flatten>.self,
      Unflatten.Options.self,
      OptionlessSpec<Tokens>.self,
      ClassToken.Options.self,
      Select.Options.self,
      OneHot.Options.self,
      Dropout.Options.self,
      ChannelDropout.Options.self,
      DropPath.Options.self,
      Linear.Options.self,
      RNN.Options.self,
      LSTM.Options.self,
      GRU.Options.self,
      Embedding.Options.self,
      EmbeddingBag.Options.self,
      PositionalOptions.self,
      MultiHeadAttention.Options.self,
      TransformerEncoderLayer.Options.self,
      CRF.Options.self,
      DetectionHead.Options.self,
    ]

  private static let registry = TypeRegistry("layer", builtIn) { ($0.word, $0) }

  /// All layers that a configuration can name.
  package static var all: [any LayerSpec.Type] { registry.all }

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
