import DLTensor

extension Linear: BuiltInTorchLayer {
  /// `nn.Linear`.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    .call(
      program.onLastAxis("nn.Linear", input), ["\(weight.shape[1])", "\(weight.shape[0])"],
      ["bias": .flag(bias != nil, unless: true)])
  }
}

extension TorchProgram {
  /// A convolution's class and its `padding`: `nn.Conv2d` behind `F.pad` where sides differ.
  fileprivate func padded(_ module: String, _ window: Window2d, isRow: Bool) throws -> (
    module: String, padding: TorchExpression?
  ) {
    if window.padding == .same { return (module, "\"same\"") }
    let sides = try window.sides(op: "padding")
    if sides.left == sides.right, isRow || sides.top == sides.bottom {
      return isRow
        ? (module, .number(sides.left, unless: 0))
        : (module, .size(Size2d(sides.top, sides.left), unless: 0))
    }
    define(
      "padded",
      """
      def padded(module, sides):
          \"""`module` behind zeros on each side: left, right, top, bottom.\"""

          class Padded(module):
              def forward(self, x):
                  return super().forward(F.pad(x, sides))

          return Padded
      """)
    let rows = isRow ? "" : ", \(sides.top), \(sides.bottom)"
    return ("padded(\(module), (\(sides.left), \(sides.right)\(rows)))", nil)
  }
}

extension Conv2d: BuiltInTorchLayer {
  /// `nn.Conv2d`.
  ///
  /// - Throws: ``TensorError`` when the window's numbers make no sense.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    let (module, padding) = try program.padded("nn.Conv2d", window, isRow: false)
    return .call(
      module, ["\(input.last)", "\(weight.shape.last)", .size(window.kernel) ?? "1"],
      [
        "stride": .size(window.stride, unless: 1), "padding": padding,
        "dilation": .size(window.dilation, unless: 1),
        "groups": .number(options.groups, unless: 1), "bias": .flag(bias != nil, unless: true),
      ])
  }
}

extension Conv1d: BuiltInTorchLayer {
  /// `nn.Conv1d` over sequences with their channels last.
  ///
  /// - Throws: ``TensorError`` when the window's numbers make no sense.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    let (module, padding) = try program.padded("nn.Conv1d", window, isRow: true)
    return .call(
      try program.withinRows(program.channelsFirst(module), window),
      ["\(input.last)", "\(weight.shape.last)", "\(window.kernel.width)"],
      [
        "stride": .number(window.stride.width, unless: 1), "padding": padding,
        "dilation": .number(window.dilation.width, unless: 1),
        "groups": .number(options.groups, unless: 1), "bias": .flag(bias != nil, unless: true),
      ])
  }
}

extension ConvTranspose2d: BuiltInTorchLayer {
  /// `nn.ConvTranspose2d`.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    .call(
      "nn.ConvTranspose2d", ["\(input.last)", "\(options.out)", .size(options.kernel) ?? "1"],
      [
        "stride": .size(options.stride, unless: 1), "padding": .size(options.padding, unless: 0),
        "output_padding": .size(options.outputPadding, unless: 0),
        "groups": .number(options.groups, unless: 1), "bias": .flag(bias != nil, unless: true),
        "dilation": .size(options.dilation, unless: 1),
      ])
  }
}

extension ConvTranspose1d: BuiltInTorchLayer {
  /// `nn.ConvTranspose1d` over sequences with their channels last.
  ///
  /// - Throws: ``LayerExportError`` where rows end.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    try program.requireWholeRows(self)
    return .call(
      program.channelsFirst("nn.ConvTranspose1d"),
      ["\(input.last)", "\(options.out)", "\(options.kernel)"],
      [
        "stride": .number(options.stride, unless: 1),
        "padding": .number(options.padding, unless: 0),
        "output_padding": .number(options.outputPadding, unless: 0),
        "groups": .number(options.groups, unless: 1), "bias": .flag(bias != nil, unless: true),
        "dilation": .number(options.dilation, unless: 1),
      ])
  }
}

extension SqueezeExcitation: BuiltInTorchLayer {
  /// A class of its own, with torchvision's names.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.define(
      "SqueezeExcitation",
      """
      class SqueezeExcitation(nn.Module):
          \"""A gate for each channel of its mean over the image.\"""

          def __init__(self, channels, squeezed):
              super().__init__()
              self.fc1 = nn.Conv2d(channels, squeezed, 1)
              self.fc2 = nn.Conv2d(squeezed, channels, 1)

          def forward(self, x):
              mean = x.mean((2, 3), keepdim=True)
              return x * self.fc2(self.fc1(mean).relu()).sigmoid()
      """)
    return .call("SqueezeExcitation", ["\(input.last)", "\(fc1.weight.shape.last)"])
  }
}

extension SpectralNorm: BuiltInTorchLayer {
  /// The layer's module with a weight of largest singular value 1.
  ///
  /// - Throws: ``TensorError`` when the window of its convolution makes no sense.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    program.define(
      "spectral_norm",
      """
      def spectral_norm(module):
          \"""`module` with its weight divided by its largest singular value.\"""

          class SpectralNorm(module):
              def __init__(self, *arguments, **options):
                  super().__init__(*arguments, **options)
                  self.register_buffer("weight_u", torch.ones(len(self.weight)))

              def forward(self, x):
                  matrix = self.weight.flatten(1)
                  u = F.normalize(self.weight_u, dim=0)
                  v = F.normalize(u @ matrix, dim=0)
                  y, sigma = super().forward(x), u @ matrix @ v
                  if self.bias is None:
                      return y / sigma
                  bias = self.bias.view(-1, *[1] * (self.weight.dim() - 2))
                  return (y - bias) / sigma + bias

          return SpectralNorm
      """)
    let inner = ["nn.Linear", "nn.Conv1d", "nn.Conv2d"]
    return try program.expression(layer, for: input).calling { name in
      inner.reduce(name) { $0.replacing($1, with: "spectral_norm(\($1))") }
    }
  }
}
