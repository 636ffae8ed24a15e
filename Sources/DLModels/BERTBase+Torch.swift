import DLLayers
import DLTensor

extension BERTBase: BuiltInTorchLayer {
  /// Classes with Hugging Face's names.
  ///
  /// Where there is a token for padding, they find where rows end by themselves.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.define("normalized", Self.torchNormalized)
    program.define("BertLayer", Self.torchLayer)
    if options.head == .masked { program.define("MaskedHead", Self.torchMaskedHead) }
    program.define("Bert", Self.torchNetwork)
    let padding = options.paddingIdx.map { TorchExpression(stringLiteral: "\($0)") }
    let head: TorchExpression =
      options.head == .masked
      ? "MaskedHead(\(vocabulary), \(options.width))"
      : "nn.Linear(\(options.width), \(classifier?.weight.shape[0] ?? 0))"
    return .call(
      "Bert",
      [
        "\(vocabulary)", "\(positions)", "\(options.layers)", "\(options.width)",
        "\(options.heads)", "\(options.feedForward ?? 4 * options.width)", head,
      ],
      [
        "pooled": options.head == .classify ? "True" : nil, "padding": padding,
        "dropout": .number(options.dropout, unless: 0),
      ])
  }

  private static let torchNormalized = """
    def normalized(inputs, outputs):
        \"""A linear layer and the normalization behind it, by Hugging Face's names.\"""
        return nn.ModuleDict(
            {"dense": nn.Linear(inputs, outputs), "LayerNorm": nn.LayerNorm(outputs, eps=1e-12)}
        )
    """

  private static let torchLayer = """
    class BertLayer(nn.Module):
        \"""Attention and a feed-forward network, each with its input added and normalized.\"""

        def __init__(self, width, heads, inner, dropout):
            super().__init__()
            names = ["query", "key", "value"]
            projections = nn.ModuleDict({name: nn.Linear(width, width) for name in names})
            self.attention = nn.ModuleDict(
                {"self": projections, "output": normalized(width, width)}
            )
            self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, inner)})
            self.output = normalized(inner, width)
            self.heads, self.dropout = heads, nn.Dropout(dropout)

        def forward(self, x, mask):
            projections = self.attention["self"].values()
            split = (self.heads, -1)
            query, key, value = [
                part(x).unflatten(-1, split).transpose(1, 2) for part in projections
            ]
            scores = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
            if mask is None:
                shares = scores.softmax(-1)
            else:
                shares = scores.masked_fill(~mask, -1e30).softmax(-1).masked_fill(~mask, 0)
            y = (self.dropout(shares) @ value).transpose(1, 2).flatten(2)
            x = self.added(self.attention["output"], x, y)
            return self.added(self.output, x, F.gelu(self.intermediate["dense"](x)))

        def added(self, output, x, y):
            return output["LayerNorm"](x + self.dropout(output["dense"](y)))
    """

  private static let torchMaskedHead = """
    class MaskedHead(nn.Module):
        \"""Logits of hidden tokens, whose weight is the table of words.\"""

        def __init__(self, vocabulary, width):
            super().__init__()
            self.transform = normalized(width, width)
            self.decoder = nn.Linear(width, vocabulary)
            self.bias = self.decoder.bias

        def forward(self, x):
            x = F.gelu(self.transform["dense"](x))
            return self.decoder(self.transform["LayerNorm"](x))
    """

  private static let torchNetwork = """
    class Bert(nn.Module):
        \"""The encoder of BERT and a head: of the first position where pooled, else of all.\"""

        def __init__(
            self, vocabulary, positions, layers, width, heads, inner, head, pooled=False,
            padding=None, dropout=0.0
        ):
            super().__init__()
            words = nn.Embedding(vocabulary, width, padding)
            blocks = [BertLayer(width, heads, inner, dropout) for _ in range(layers)]
            embeddings = {
                "word_embeddings": words,
                "position_embeddings": nn.Embedding(positions, width),
                "token_type_embeddings": nn.Embedding(2, width),
                "LayerNorm": nn.LayerNorm(width, eps=1e-12),
            }
            self.bert = nn.ModuleDict(
                {
                    "embeddings": nn.ModuleDict(embeddings),
                    "encoder": nn.ModuleDict({"layer": nn.ModuleList(blocks)}),
                }
            )
            self.padding, self.pooled, self.dropout = padding, pooled, nn.Dropout(dropout)
            if pooled:
                self.bert["pooler"] = nn.ModuleDict({"dense": nn.Linear(width, width)})
            if isinstance(head, nn.Linear):
                self.classifier = head
            else:
                head.decoder.weight = words.weight
                self.cls = nn.ModuleDict({"predictions": head})

        def forward(self, x):
            parts, mask = self.bert["embeddings"], None
            places, lengths = torch.arange(1, x.shape[1] + 1), getattr(x, "lengths", None)
            if lengths is None and self.padding is not None:
                lengths = ((x != self.padding) * places).amax(1)
            if lengths is not None:
                mask = (places <= lengths[:, None])[:, None, None]
            y = parts["word_embeddings"](x) + parts["position_embeddings"].weight[: x.shape[1]]
            y = parts["LayerNorm"](y + parts["token_type_embeddings"].weight[0])
            y = self.dropout(y)
            for layer in self.bert["encoder"]["layer"]:
                y = layer(y, mask)
            if self.pooled:
                y = self.bert["pooler"]["dense"](y[:, 0]).tanh()
            if hasattr(self, "cls"):
                return self.cls["predictions"](y)
            return self.classifier(self.dropout(y))
    """
}
