import DLLayers
import DLTensor

extension GPT2: BuiltInTorchLayer {
  /// Classes with Hugging Face's names.
  ///
  /// - Throws: ``LayerExportError`` where rows end, and ``TensorError`` for inputs that are not
  ///   `[time]`, or longer than its positions.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    try program.requireWholeRows(self)
    program.define("Conv1D", Self.torchProjection)
    program.define("GPT2Block", Self.torchBlock)
    program.define("GPT2", Self.torchNetwork)
    return .call(
      "GPT2",
      [
        "\(try outputShape(for: input).last)", "\(contextLength)", "\(layerCount)",
        "\(options.width)", "\(options.heads)",
      ], ["dropout": .number(options.dropout, unless: 0)])
  }

  private static let torchProjection = """
    class Conv1D(nn.Module):
        \"""A linear layer whose weight is [inputs, outputs].\"""

        def __init__(self, inputs, outputs):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(inputs, outputs))
            self.bias = nn.Parameter(torch.zeros(outputs))

        def forward(self, x):
            return x @ self.weight + self.bias
    """

  private static let torchBlock = """
    class GPT2Block(nn.Module):
        \"""Causal attention and a feed-forward network, each behind a normalization.\"""

        def __init__(self, width, heads, dropout):
            super().__init__()
            self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.attn = nn.ModuleDict(
                {"c_attn": Conv1D(width, 3 * width), "c_proj": Conv1D(width, width)}
            )
            self.mlp = nn.ModuleDict(
                {"c_fc": Conv1D(width, 4 * width), "c_proj": Conv1D(4 * width, width)}
            )
            self.heads, self.dropout = heads, dropout

        def forward(self, x):
            p = self.dropout if self.training else 0.0
            packed = self.attn["c_attn"](self.ln_1(x)).unflatten(-1, (3, self.heads, -1))
            query, key, value = packed.permute(2, 0, 3, 1, 4)
            y = F.scaled_dot_product_attention(query, key, value, dropout_p=p, is_causal=True)
            x = x + F.dropout(self.attn["c_proj"](y.transpose(1, 2).flatten(2)), p)
            y = F.gelu(self.mlp["c_fc"](self.ln_2(x)), approximate="tanh")
            return x + F.dropout(self.mlp["c_proj"](y), p)
    """

  private static let torchNetwork = """
    class GPT2(nn.Module):
        \"""The language model of GPT-2, whose logits share the table of tokens.\"""

        def __init__(self, vocabulary, positions, layers, width, heads, dropout=0.0):
            super().__init__()
            blocks = [GPT2Block(width, heads, dropout) for _ in range(layers)]
            self.transformer = nn.ModuleDict(
                {
                    "wte": nn.Embedding(vocabulary, width),
                    "wpe": nn.Embedding(positions, width),
                    "h": nn.ModuleList(blocks),
                    "ln_f": nn.LayerNorm(width),
                }
            )
            self.dropout = nn.Dropout(dropout)
            self.lm_head = nn.Linear(width, vocabulary, bias=False)
            self.lm_head.weight = self.transformer["wte"].weight

        def forward(self, x):
            parts = self.transformer
            x = self.dropout(parts["wte"](x) + parts["wpe"].weight[: x.shape[1]])
            for block in parts["h"]:
                x = block(x)
            return self.lm_head(parts["ln_f"](x))
    """
}
