import DLLayers
import DLTensor

extension GroupNormWord: BuildableWord {
  func layer(for input: Shape) throws -> any Layer {
    GroupNorm(numGroups, try features(Self.word, input), eps: eps, affine: affine)
  }
}

extension InstanceNormWord: BuildableWord {
  func layer(for input: Shape) throws -> any Layer {
    InstanceNorm(try features(Self.word, input), eps: eps, affine: affine)
  }
}

extension RMSNormWord: BuildableWord {
  func layer(for input: Shape) throws -> any Layer {
    RMSNorm(
      try trailing(Self.word, input, normalizedShape), eps: eps, affine: elementwiseAffine)
  }
}
