import DLCore
import DLTensor

extension Embedding: BuiltInTorchLayer {
  /// `nn.Embedding`.
  ///
  /// - Throws: ``LayerExportError`` for tokens of more than one axis.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    guard input.rank <= 1 else {
      throw LayerExportError(
        "PyTorch code", self, "its tokens have \(input.rank) axes; use \(OptionName.format) onnx")
    }
    if paddingIndex != nil { program.knowsPadding = true }
    return .call(
      paddingIndex != nil && program.rowsEnd ? program.paddedEmbedding() : "nn.Embedding",
      ["\(options.entries)", "\(options.size)"],
      [
        "padding_idx": paddingIndex.map { "\($0)" }, "max_norm": options.maxNorm.map { "\($0)" },
        "norm_type": .number(options.normType, unless: 2),
      ])
  }
}

extension EmbeddingBag: BuiltInTorchLayer {
  /// `nn.EmbeddingBag`.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    .call(
      "nn.EmbeddingBag", ["\(options.entries)", "\(options.size)"],
      [
        "mode": options.mode == .mean ? nil : "\"\(options.mode.rawValue)\"",
        "padding_idx": paddingIndex.map { "\($0)" },
      ])
  }
}

extension OneHot: BuiltInTorchLayer {
  /// `F.one_hot`.
  ///
  /// - Throws: ``LayerExportError`` for tokens of more than one axis.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    guard input.rank <= 1 else {
      throw LayerExportError(
        "PyTorch code", self, "its tokens have \(input.rank) axes; use \(OptionName.format) onnx")
    }
    program.define(
      "OneHot",
      """
      class OneHot(nn.Module):
          \"""A vector for each token, 1 at its number.\"""

          def __init__(self, classes):
              super().__init__()
              self.classes = classes

          def forward(self, x):
              return F.one_hot(x.long(), self.classes).float()
      """)
    return .call("OneHot", ["\(classes)"])
  }
}

extension SinusoidalPositions: BuiltInTorchLayer {
  /// A class of its own.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.define(
      "SinusoidalPositions",
      """
      class SinusoidalPositions(nn.Module):
          \"""Adds sines and cosines of each position (Vaswani et al. 2017).\"""

          def forward(self, x):
              time, size = x.shape[-2:]
              feature = torch.arange(size, dtype=torch.float64)
              rate = 10_000 ** (-(feature // 2 * 2) / size)
              angle = torch.arange(time, dtype=torch.float64)[:, None] * rate
              table = torch.where(feature % 2 == 0, angle.sin(), angle.cos())
              return x + table.to(x)
      """)
    return "SinusoidalPositions()"
  }
}

extension LearnedPositions: BuiltInTorchLayer {
  /// A table whose first rows are added.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.define(
      "LearnedPositions",
      """
      class LearnedPositions(nn.Embedding):
          \"""Adds a learned vector to each position.\"""

          def forward(self, x):
              return x + self.weight[: x.shape[1]]
      """)
    return .call("LearnedPositions", ["\(weight.shape[0])", "\(weight.shape[1])"])
  }
}
