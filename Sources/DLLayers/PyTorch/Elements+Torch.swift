import DLTensor

/// A layer that is a PyTorch module without shapes.
protocol TorchElementwise: BuiltInTorchLayer {
  /// The expression.
  var torchExpression: TorchExpression { get }
}

extension TorchElementwise {
  /// The module.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    torchExpression
  }
}

extension ReLU: TorchElementwise {
  var torchExpression: TorchExpression { "nn.ReLU()" }
}

extension LeakyReLU: TorchElementwise {
  var torchExpression: TorchExpression {
    .call("nn.LeakyReLU", [], ["negative_slope": .number(options.negativeSlope, unless: 0.01)])
  }
}

extension Sigmoid: TorchElementwise {
  var torchExpression: TorchExpression { "nn.Sigmoid()" }
}

extension Tanh: TorchElementwise {
  var torchExpression: TorchExpression { "nn.Tanh()" }
}

extension GELU: TorchElementwise {
  var torchExpression: TorchExpression {
    options.approximate == .none ? "nn.GELU()" : "nn.GELU(\"tanh\")"
  }
}

extension SiLU: TorchElementwise {
  var torchExpression: TorchExpression { "nn.SiLU()" }
}

extension ELU: TorchElementwise {
  var torchExpression: TorchExpression {
    .call("nn.ELU", [], ["alpha": .number(options.alpha, unless: 1)])
  }
}

extension SELU: TorchElementwise {
  var torchExpression: TorchExpression { "nn.SELU()" }
}

extension Softplus: TorchElementwise {
  var torchExpression: TorchExpression {
    .call(
      "nn.Softplus", [],
      [
        "beta": .number(options.beta, unless: 1),
        "threshold": .number(options.threshold, unless: 20),
      ])
  }
}

extension ReLU6: TorchElementwise {
  var torchExpression: TorchExpression { "nn.ReLU6()" }
}

extension HardSigmoid: TorchElementwise {
  var torchExpression: TorchExpression { "nn.Hardsigmoid()" }
}

extension HardSwish: TorchElementwise {
  var torchExpression: TorchExpression { "nn.Hardswish()" }
}

extension Dropout: TorchElementwise {
  var torchExpression: TorchExpression { .call("nn.Dropout", ["\(options.p)"]) }
}

extension Dropout {
  /// The probability as an option whose default is 0; nil for that.
  package var torchProbability: TorchExpression? { .number(options.p, unless: 0) }
}

extension Softmax: BuiltInTorchLayer {
  /// `nn.Softmax` over the channels.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    input.rank == 3 ? "nn.Softmax(dim=1)" : "nn.Softmax(dim=-1)"
  }
}

extension LogSoftmax: BuiltInTorchLayer {
  /// `nn.LogSoftmax` over the channels.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    input.rank == 3 ? "nn.LogSoftmax(dim=1)" : "nn.LogSoftmax(dim=-1)"
  }
}

extension PReLU: BuiltInTorchLayer {
  /// `nn.PReLU`.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    let count = weight.shape[0]
    let module = "nn.PReLU"
    return .call(
      count > 1 && input.rank == 2 ? program.channelsFirst(module) : module, ["\(count)"])
  }
}

extension Maxout: BuiltInTorchLayer {
  /// The largest of neighboring channels.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.define(
      "Maxout",
      """
      class Maxout(nn.Module):
          \"""The largest of every `pieces` neighbors along the channels.\"""

          def __init__(self, pieces, dim=-1):
              super().__init__()
              self.pieces, self.dim = pieces, dim

          def forward(self, x):
              x = x.movedim(self.dim, -1)
              return x.unflatten(-1, (-1, self.pieces)).amax(-1).movedim(-1, self.dim)
      """)
    return .call("Maxout", ["\(options.pieces)"], ["dim": input.rank == 3 ? "1" : nil])
  }
}

extension ChannelDropout: BuiltInTorchLayer {
  /// `nn.Dropout2d`, or `nn.Dropout1d` over sequences.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    input.rank == 2
      ? .call(program.channelsFirst("nn.Dropout1d"), ["\(options.p)"])
      : .call(input.rank == 3 ? "nn.Dropout2d" : "nn.Dropout", ["\(options.p)"])
  }
}

extension DropPath: BuiltInTorchLayer {
  /// A module that drops whole rows in training.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.define(
      "DropPath",
      """
      class DropPath(nn.Module):
          \"""Zeros whole rows in training, as torchvision's StochasticDepth.\"""

          def __init__(self, p):
              super().__init__()
              self.p = p

          def forward(self, x):
              if not self.training:
                  return x
              kept = torch.rand(len(x), *[1] * (x.dim() - 1), device=x.device) >= self.p
              return x * kept / (1 - self.p)
      """)
    return .call("DropPath", ["\(options.p)"])
  }
}
