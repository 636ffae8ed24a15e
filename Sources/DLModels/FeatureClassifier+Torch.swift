import DLLayers
import DLTensor

extension FeatureClassifier: BuiltInTorchLayer {
  /// A class of the three parts, with torchvision's names.
  ///
  /// - Throws: ``LayerExportError`` for a part without an expression, and ``TensorError`` for one
  ///   that does not take what comes before it.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    program.define(
      "FeatureClassifier",
      """
      class FeatureClassifier(nn.Module):
          \"""Feature maps, a pooling of them to rows, and a classifier of these.\"""

          def __init__(self, features, avgpool, classifier):
              super().__init__()
              self.features, self.avgpool, self.classifier = features, avgpool, classifier

          def forward(self, x):
              return self.classifier(self.avgpool(self.features(x)))
      """)
    var shape = input
    let parts = try [features, avgpool, classifier].map { layer in
      let expression = try program.expression(layer, for: shape)
      shape = try layer.located { try layer.outputShape(for: shape) }
      return expression
    }
    return .call("FeatureClassifier", parts)
  }
}

extension NamedSequential: BuiltInTorchLayer {
  /// `nn.Sequential` whose modules have names.
  func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    program.define(
      "Named",
      """
      class Named(nn.Sequential):
          \"""Modules one after the other, each with a name of its own.\"""

          def __init__(self, modules):
              super().__init__()
              for name, module in modules.items():
                  self.add_module(name, module)
      """)
    var shape = input
    let entries = try children.compactMap { child -> (key: String, value: TorchExpression)? in
      guard let layer = child.value as? any Layer else { return nil }
      let expression = try program.expression(layer, for: shape)
      shape = try layer.located { try layer.outputShape(for: shape) }
      return (child.name, expression)
    }
    return .call("Named", [.dictionary(entries)])
  }
}

extension InvertedResidual: BuiltInTorchLayer {
  /// A class with torchvision's names.
  func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    program.define(
      "InvertedResidual",
      """
      class InvertedResidual(nn.Module):
          \"""conv(x), with x added where the shape stays (Sandler et al. 2018).\"""

          def __init__(self, conv, residual=False):
              super().__init__()
              self.conv, self.residual = conv, residual

          def forward(self, x):
              return x + self.conv(x) if self.residual else self.conv(x)
      """)
    return .call(
      "InvertedResidual", [try program.expression(conv, for: input)],
      ["residual": isResidual ? "True" : nil])
  }
}
