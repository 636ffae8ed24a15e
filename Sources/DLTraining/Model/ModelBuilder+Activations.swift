import DLLayers
import DLTensor

extension LogSoftmaxWord: BuildableWord {
  func layer(for input: Shape) -> any Layer { LogSoftmax() }
}

extension Relu6Word: BuildableWord {
  func layer(for input: Shape) -> any Layer { ReLU6() }
}

extension HardSigmoidWord: BuildableWord {
  func layer(for input: Shape) -> any Layer { HardSigmoid() }
}

extension HardSwishWord: BuildableWord {
  func layer(for input: Shape) -> any Layer { HardSwish() }
}

extension EluWord: BuildableWord {
  func layer(for input: Shape) -> any Layer { ELU(alpha: alpha) }
}

extension SeluWord: BuildableWord {
  func layer(for input: Shape) -> any Layer { SELU() }
}

extension SoftplusWord: BuildableWord {
  func layer(for input: Shape) -> any Layer { Softplus(beta: beta, threshold: threshold) }
}

extension PreluWord: BuildableWord {
  func layer(for input: Shape) -> any Layer {
    PReLU(numParameters, initialValue: initialValue)
  }
}

extension MaxoutWord: BuildableWord {
  func layer(for input: Shape) -> any Layer { Maxout(pieces: pieces) }
}
