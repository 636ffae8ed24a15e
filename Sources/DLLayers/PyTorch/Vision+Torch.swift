import DLTensor

extension Tokens: BuiltInTorchLayer {
  /// The pixels of a map as a sequence.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.define(
      "Tokens",
      """
      class Tokens(nn.Module):
          \"""The pixels of a map as a sequence: [batch, height * width, channels].\"""

          def forward(self, x):
              return x.flatten(2).transpose(1, 2)
      """)
    return "Tokens()"
  }
}

extension ClassToken: BuiltInTorchLayer {
  /// A class with torchvision's name of the parameter.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    let joined = "torch.cat([self.class_token.expand(len(x), -1, -1), x], 1)"
    let result =
      program.rowsEnd
      ? """
      y = \(joined)
              return y if ends(x) is None else ended(y, ends(x) + 1)
      """ : "return \(joined)"
    program.define(
      "ClassToken",
      """
      class ClassToken(nn.Module):
          \"""A learned token in front of every sequence.\"""

          def __init__(self, size):
              super().__init__()
              self.class_token = nn.Parameter(torch.zeros(1, 1, size))

          def forward(self, x):
              \(result)
      """)
    return .call("ClassToken", ["\(input.last)"])
  }
}

extension Select: BuiltInTorchLayer {
  /// `Tensor.select`.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.define(
      "Select",
      """
      class Select(nn.Module):
          \"""One position of an axis; channels are the last one of images too.\"""

          def __init__(self, position, dim=1):
              super().__init__()
              self.position, self.dim = position, dim

          def forward(self, x):
              x = x.movedim(1, -1) if x.dim() == 4 else x
              return x.select(self.dim, self.position)
      """)
    return .call("Select", ["\(position)"], ["dim": .number(axis, unless: 1)])
  }
}

extension SpatialTransformer: BuiltInTorchLayer {
  /// `F.affine_grid` and `F.grid_sample` by the map that layers make.
  ///
  /// - Throws: ``LayerExportError`` for a layer of `localization` without an expression, and
  ///   ``TensorError`` for one that does not take what comes before it.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    program.define(
      "SpatialTransformer",
      """
      class SpatialTransformer(nn.Module):
          \"""The image seen through an affine map of its own (Jaderberg et al. 2015).\"""

          def __init__(self, localization, features, size=None, **options):
              super().__init__()
              self.localization = localization
              self.theta = nn.Linear(features, 6)
              self.size, self.options = size, options

          def forward(self, x):
              theta = self.theta(self.localization(x).flatten(1)).view(-1, 2, 3)
              shape = *x.shape[:2], *(self.size or x.shape[2:])
              corners = self.options.get("align_corners", False)
              grid = F.affine_grid(theta, shape, align_corners=corners)
              return F.grid_sample(x, grid, **{"align_corners": False, **self.options})
      """)
    return .call(
      "SpatialTransformer",
      [try program.chain(localization, for: input), "\(theta.weight.shape[1])"],
      [
        "size": options.size.map { "(\($0.height), \($0.width))" },
        "padding_mode": options.paddingMode == .zeros
          ? nil : "\"\(options.paddingMode.rawValue)\"",
        "align_corners": .flag(options.alignCorners, unless: false),
      ])
  }
}
