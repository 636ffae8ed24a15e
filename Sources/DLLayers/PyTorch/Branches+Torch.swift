import DLTensor

extension Sequential: BuiltInTorchLayer {
  /// `nn.Sequential` of the layers.
  ///
  /// - Throws: ``LayerExportError`` for a layer without an expression, what else its expression
  ///   throws, and ``TensorError`` for one that does not take what comes before it.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    var shape = input
    var modules: [TorchExpression] = []
    for (index, layer) in layers.enumerated() {
      if let flatten = layer as? Flatten {
        let isFirst = flatten.isChannelsFirst(behind: layout(before: index))
        modules.append(program.flatten(shape, channelsFirst: isFirst))
      } else {
        modules.append(try program.expression(layer, for: shape))
      }
      shape = try layer.located { try layer.outputShape(for: shape) }
    }
    return .call(program.chainName, modules)
  }
}

extension TorchProgram {
  /// `nn.Flatten()`, of sequences with their channels first where `channelsFirst`.
  fileprivate func flatten(_ input: Shape, channelsFirst: Bool) -> TorchExpression {
    guard input.rank == 2, channelsFirst else { return "nn.Flatten()" }
    define(
      "FlattenChannels",
      """
      class FlattenChannels(nn.Module):
          \"""[batch, length, channels] to rows, channel by channel.\"""

          def forward(self, x):
              return x.transpose(1, 2).flatten(1)
      """)
    return "FlattenChannels()"
  }

  /// A class of branches, of which `result` puts together what they make.
  fileprivate func defineBranches(_ name: String, _ description: String, _ result: String) {
    define(
      name,
      """
      class \(name)(nn.ModuleDict):
          \"""\(description)\"""

          def forward(self, x):
              \(result)
      """)
  }

  fileprivate func branches(_ layer: Branches, _ input: Shape) throws -> TorchExpression {
    .dictionary(
      try zip(layer.names, layer.chains).map { ($0, try chain($1, for: input)) })
  }
}

extension Flatten: BuiltInTorchLayer {
  /// `nn.Flatten()`.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.flatten(input, channelsFirst: channelsFirst ?? false)
  }
}

extension Unflatten: BuiltInTorchLayer {
  /// `nn.Unflatten`.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    let shape = row.rank == 3 ? [row[2], row[0], row[1]] : row.dimensions
    let made = TorchExpression.call("nn.Unflatten", ["1", .tuple(shape)])
    guard input.rank > 1 else { return made }
    program.define(
      "FlattenPixels",
      """
      class FlattenPixels(nn.Module):
          \"""Images to rows, pixel by pixel; sequences as they lie.\"""

          def forward(self, x):
              return (x.movedim(1, -1) if x.dim() == 4 else x).flatten(1)
      """)
    return .call("nn.Sequential", ["FlattenPixels()", made])
  }
}

extension Residual: BuiltInTorchLayer {
  /// A class of the branch and what goes around it.
  ///
  /// - Throws: ``LayerExportError`` for a layer of the branch or the shortcut without an
  ///   expression, and ``TensorError`` for one that does not take what comes before it.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    let result =
      program.rowsEnd
      ? """
      y = self.layers(x)
              return ended(y + (self.shortcut(x) if self.shortcut else x), ends(y))
      """ : "return self.layers(x) + (self.shortcut(x) if self.shortcut else x)"
    program.define(
      "Residual",
      """
      class Residual(nn.Module):
          \"""layers(x) + shortcut(x), or + x.\"""

          def __init__(self, layers, shortcut=None):
              super().__init__()
              self.layers, self.shortcut = layers, shortcut

          def forward(self, x):
              \(result)
      """)
    return .call(
      "Residual", [try layers.torch(for: input, in: program)],
      ["shortcut": try shortcut.map { try program.chain($0, for: input) }])
  }
}

extension Concat: BuiltInTorchLayer {
  /// `torch.cat` of the branches.
  ///
  /// - Throws: ``LayerExportError`` for a layer of a branch without an expression, and
  ///   ``TensorError`` for one that does not take what comes before it, or for branches that do not
  ///   fit together.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    let joined = "torch.cat([branch(x) for branch in self.values()], self.dim)"
    let result =
      program.rowsEnd
      ? """
      parts = [branch(x) for branch in self.values()]
              y = torch.cat(parts, self.dim)
              is_same = y.dim() > 2 and y.shape[1] == parts[0].shape[1]
              return ended(y, ends(parts[0])) if is_same else y
      """ : "return \(joined)"
    program.define(
      "Concat",
      """
      class Concat(nn.ModuleDict):
          \"""What branches make of x, one behind the other.\"""

          def __init__(self, branches, dim):
              super().__init__(branches)
              self.dim = dim

          def forward(self, x):
              \(result)
      """)
    let rank = try outputShape(for: input).rank
    let place = axis < 0 ? axis + rank + 1 : axis
    let dim = rank == 3 ? [0, 2, 3, 1][place] : place
    return .call("Concat", [try program.branches(self, input)], ["dim": "\(dim)"])
  }
}

extension BranchSum: BuiltInTorchLayer {
  /// `sum` of the branches.
  ///
  /// - Throws: ``LayerExportError`` for a layer of a branch without an expression, and
  ///   ``TensorError`` for one that does not take what comes before it.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    program.defineBranches(
      "Sum", "The sum of what branches make of x.",
      program.rowsEnd
        ? """
        parts = [branch(x) for branch in self.values()]
                return ended(sum(parts), ends(parts[0]))
        """ : "return sum(branch(x) for branch in self.values())")
    return .call("Sum", [try program.branches(self, input)])
  }
}

extension BranchProduct: BuiltInTorchLayer {
  /// The product of the branches, shorter shapes filled up with ones behind the batch.
  ///
  /// - Throws: ``LayerExportError`` for a layer of a branch without an expression, and
  ///   ``TensorError`` for one that does not take what comes before it.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    program.define(
      "Product",
      """
      class Product(nn.ModuleDict):
          \"""The product of what branches make of x; a factor per channel goes to all positions.\"""

          def forward(self, x):
              factors = [branch(x) for branch in self.values()]
              factors = [y.movedim(1, -1) if y.dim() == 4 else y for y in factors]
              rank = max(y.dim() for y in factors)
              product = 1
              for y in factors:
                  product = product * y.view(len(y), *[1] * (rank - y.dim()), *y.shape[1:])
              return product.movedim(-1, 1) if rank == 4 else product
      """)
    return .call("Product", [try program.branches(self, input)])
  }
}

extension DenseBlock: BuiltInTorchLayer {
  /// A class with torchvision's names.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.define(
      "DenseLayer",
      """
      class DenseLayer(nn.Module):
          \"""Normalization, activation and convolution, twice with a bottleneck.\"""

          def __init__(self, channels, growth, bottleneck, dropout):
              super().__init__()
              self.norm1 = nn.BatchNorm2d(channels)
              if bottleneck:
                  self.conv1 = nn.Conv2d(channels, bottleneck, 1, bias=False)
                  self.norm2 = nn.BatchNorm2d(bottleneck)
                  self.conv2 = nn.Conv2d(bottleneck, growth, 3, padding=1, bias=False)
              else:
                  self.conv1 = nn.Conv2d(channels, growth, 3, padding=1, bias=False)
                  self.norm2 = self.conv2 = None
              self.dropout = nn.Dropout(dropout)

          def forward(self, x):
              x = self.conv1(self.norm1(x).relu())
              if self.conv2:
                  x = self.conv2(self.norm2(x).relu())
              return self.dropout(x)
      """)
    program.define(
      "DenseBlock",
      """
      class DenseBlock(nn.ModuleDict):
          \"""Layers that each see the outputs of all before them (Huang et al. 2017).\"""

          def __init__(self, channels, layers, growth, bottleneck=None, dropout=0.0):
              super().__init__()
              for index in range(layers):
                  seen = channels + index * growth
                  layer = DenseLayer(seen, growth, bottleneck, dropout)
                  self[f"denselayer{index + 1}"] = layer

          def forward(self, x):
              for layer in self.values():
                  x = torch.cat([x, layer(x)], 1)
              return x
      """)
    let first = layers.first
    let growth = first.map { ($0.conv2 ?? $0.conv1).weight.shape.last } ?? 0
    return .call(
      "DenseBlock", ["\(input.last)", "\(layers.count)", "\(growth)"],
      [
        "bottleneck": first?.norm2.map { "\($0.runningMean.shape[0])" },
        "dropout": first?.dropout.map { "\($0.options.p)" },
      ])
  }
}
