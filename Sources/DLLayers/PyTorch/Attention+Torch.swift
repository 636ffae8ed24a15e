import DLTensor

extension TorchProgram {
  /// Self-attention over `size` features, as a class with the parameters of `nn.MultiheadAttention`.
  fileprivate func selfAttention(
    _ size: Int, heads: Int, bias: Bool, dropout: Double, _ scope: AttentionScope
  ) -> TorchExpression {
    if rowsEnd { defineEnds() }
    let seen =
      rowsEnd
      ? """

              if ends(x) is not None:
                  mask = mask & (place < ends(x)[:, None])[:, None, None]
      """ : ""
    // A query that sees nothing gets zeros.
    let attended =
      rowsEnd
      ? """
      scores = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
              y = scores.masked_fill(~mask, -1e30).softmax(-1).masked_fill(~mask, 0) @ value
      """ : "y = F.scaled_dot_product_attention(query, key, value, mask)"
    define(
      "SelfAttention",
      """
      class SelfAttention(nn.MultiheadAttention):
          \"""Self-attention in which positions see no later one, or none beyond a window.\"""

          def __init__(self, size, heads, causal=False, window=None, **options):
              super().__init__(size, heads, batch_first=True, **options)
              self.causal, self.window = causal, window

          def turned(self, x):
              return x

          def forward(self, x):
              packed = F.linear(x, self.in_proj_weight, self.in_proj_bias)
              parts = packed.unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
              query, key, value = parts
              place = torch.arange(x.shape[1])
              distance = place[:, None] - place
              mask = distance >= (0 if self.causal else -len(place))
              if self.window is not None:
                  mask &= distance.abs() <= self.window\(seen)
              query, key = self.turned(query), self.turned(key)
              \(attended)
              return self.out_proj(y.transpose(1, 2).flatten(2))
      """)
    if scope.rotary.style != .none {
      define(
        "RotaryAttention",
        """
        class RotaryAttention(SelfAttention):
            \"""Self-attention whose queries and keys are turned by position (Su et al. 2021).\"""

            def __init__(self, size, heads, style, **options):
                super().__init__(size, heads, **options)
                self.style = style

            def turned(self, x):
                time, width = x.shape[-2:]
                pairs = width // 2
                rate = 10_000 ** (-torch.arange(pairs, dtype=torch.float64) / pairs)
                angle = torch.arange(time, dtype=torch.float64)[:, None] * rate
                cos, sin = angle.cos().to(x), angle.sin().to(x)
                if self.style == "interleaved":
                    first, second = slice(0, 2 * pairs, 2), slice(1, 2 * pairs, 2)
                else:
                    first, second = slice(0, pairs), slice(pairs, 2 * pairs)
                y = x.clone()
                y[..., first] = x[..., first] * cos - x[..., second] * sin
                y[..., second] = x[..., first] * sin + x[..., second] * cos
                return y
        """)
    }
    let style: [TorchExpression] =
      scope.rotary.style == .none ? [] : ["\"\(scope.rotary.style.rawValue)\""]
    return .call(
      style.isEmpty ? "SelfAttention" : "RotaryAttention", ["\(size)", "\(heads)"] + style,
      [
        "causal": .flag(scope.causal, unless: false), "window": scope.window.map { "\($0)" },
        "bias": .flag(bias, unless: true), "dropout": .number(dropout, unless: 0),
      ])
  }
}

extension MultiHeadAttention: BuiltInTorchLayer {
  /// A class with the parameters of `nn.MultiheadAttention`.
  ///
  /// - Throws: ``LayerExportError`` where keys or values have another size than queries.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    guard inProjWeight != nil else {
      throw LayerExportError(
        "PyTorch code", self, "its keys or values have another size than its queries")
    }
    return program.selfAttention(
      size, heads: options.heads, bias: options.bias, dropout: options.dropout, options.scope)
  }
}

extension TransformerEncoderLayer: BuiltInTorchLayer {
  /// `nn.TransformerEncoderLayer`, or one whose attention does not see everything.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    let activation: TorchExpression? =
      switch options.activation {
      case .relu: nil
      case .gelu: "\"gelu\""
      case .geluTanh: "nn.GELU(\"tanh\")"
      }
    let size = norm1.normalizedShape[0]
    let isPlain = options.scope == AttentionScope() && !program.rowsEnd
    let normalized = program.rowsEnd ? "ended(self.norm1(x), ends(x))" : "self.norm1(x)"
    var arguments: [TorchExpression] = ["\(size)", "\(options.heads)"]
    if !isPlain {
      let attention = program.selfAttention(
        size, heads: options.heads, bias: true, dropout: options.dropout, options.scope)
      arguments = ["\(size)", attention]
      program.define(
        "EncoderLayer",
        """
        class EncoderLayer(nn.TransformerEncoderLayer):
            \"""A layer with an attention of its own.\"""

            def __init__(self, size, attention, **options):
                super().__init__(size, attention.num_heads, batch_first=True, **options)
                self.self_attn = attention

            def forward(self, x):
                if self.norm_first:
                    x = x + self.dropout1(self.self_attn(\(normalized)))
                    return x + self._ff_block(self.norm2(x))
                x = self.norm1(x + self.dropout1(self.self_attn(x)))
                return self.norm2(x + self._ff_block(x))
        """)
    }
    return .call(
      isPlain ? "nn.TransformerEncoderLayer" : "EncoderLayer", arguments,
      [
        "dim_feedforward": .number(options.feedForward, unless: 2048),
        "dropout": .number(options.dropout, unless: 0.1), "activation": activation,
        "batch_first": isPlain ? "True" : nil,
        "norm_first": .flag(options.normFirst, unless: false),
        "layer_norm_eps": .number(options.eps, unless: 1e-5),
      ])
  }
}

extension TransformerEncoder: BuiltInTorchLayer {
  /// The layers in a list, and the normalization behind them.
  ///
  /// - Throws: nothing as it is: each of its layers has an expression.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    guard let layer = layers.first else { return "nn.Identity()" }
    let applied = program.rowsEnd ? "ended(layer(x), ends(x))" : "layer(x)"
    program.define(
      "Encoder",
      """
      class Encoder(nn.Module):
          \"""Layers one after the other, and a normalization behind the last.\"""

          def __init__(self, layers, norm=None):
              super().__init__()
              self.layers, self.norm = nn.ModuleList(layers), norm

          def forward(self, x):
              for layer in self.layers:
                  x = \(applied)
              return self.norm(x) if self.norm else x
      """)
    return .call(
      "Encoder", [.list(of: try program.expression(layer, for: input), count: layers.count)],
      ["norm": try norm.map { try program.expression($0, for: input) }])
  }
}
