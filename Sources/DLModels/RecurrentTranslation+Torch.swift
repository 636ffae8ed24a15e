import DLLayers
import DLTensor

extension RecurrentTranslation: TorchTranslation {
  /// Logits, or logarithms of probabilities where tokens may be copied.
  package var torchOutputs: String {
    (options.copy ? "logarithms of probabilities" : "logits") + " [batch, target time, vocabulary]"
  }

  /// A class of PyTorch's recurrent layers, with the parts that the options ask for.
  package func torch(padding: Int, in program: TorchProgram) -> TorchExpression {
    program.defineTextEnds()
    program.define("Seq2Seq", torchNetwork)
    return .call(
      "Seq2Seq", ["\(head.weight.shape[0])", "\(options.width)"],
      [
        "layers": .number(options.layers, unless: 1), "padding": .number(padding, unless: 0),
        "dropout": .number(options.dropout, unless: 0),
      ])
  }

  /// The lines that make the parts of attention.
  private var torchParts: [String] {
    var lines: [String] = []
    if additive != nil {
      lines += [
        "parts = {\"query_proj\": (width, width), \"key_proj\": (2 * width, width)}",
        "parts[\"score\"] = (width, 1)",
        "self.additive = nn.ModuleDict(",
        "    {name: nn.Linear(*sizes, bias=False) for name, sizes in parts.items()}",
        ")",
      ]
    }
    if keys != nil { lines.append("self.keys = nn.Linear(2 * width, width, bias=False)") }
    if combine != nil { lines.append("self.combine = nn.Linear(3 * width, width, bias=False)") }
    if copier != nil {
      lines.append("self.copier = nn.ModuleDict({\"gate\": nn.Linear(4 * width, 1)})")
    }
    return lines
  }

  /// The lines that make the share of each token of a source that each position takes.
  private var torchWeights: [String] {
    switch options.attention {
    case .none: return []
    case .additive:
      return [
        "query = self.additive[\"query_proj\"](states)[:, :, None]",
        "key = self.additive[\"key_proj\"](memory)[:, None]",
        "scores = self.additive[\"score\"]((query + key).tanh())[..., 0]",
        "weights = scores.masked_fill(hidden, -torch.inf).softmax(2)",
      ]
    case .dot:
      return [
        "scores = states @ self.keys(memory).transpose(1, 2)",
        "weights = scores.masked_fill(hidden, -torch.inf).softmax(2)",
      ]
    case .relu:
      return [
        "scores = states @ self.keys(memory).transpose(1, 2)",
        "weights = (scores / states.shape[2] ** 0.5).relu() / lengths[:, None, None]",
        "weights = weights.masked_fill(hidden, 0)",
      ]
    }
  }

  /// The lines behind the states of the decoder.
  private var torchOutput: [String] {
    guard combine != nil else { return ["return self.head(self.dropout(states))"] }
    let logits = [
      "context = weights @ memory",
      "y = self.combine(torch.cat([context, states], 2)).tanh()",
    ]
    guard copier != nil else { return logits + ["return self.head(self.dropout(y))"] }
    return logits + [
      "shares = self.head(self.dropout(y)).softmax(2)",
      "token = source.long()[:, None].expand(-1, target.shape[1], -1)",
      "copied = torch.zeros_like(shares).scatter_add(2, token, weights)",
      "gate = self.copier[\"gate\"](torch.cat([context, states, inputs], 2)).sigmoid()",
      "return (gate * shares + (1 - gate) * copied + \(CopyMechanism.least)).log()",
    ]
  }

  private var torchNetwork: String {
    let cell = options.cell == .gru ? "nn.GRU" : "nn.LSTM"
    func lines(_ lines: [String]) -> String { lines.map { "\n        " + $0 }.joined() }
    let first = options.cell == .gru ? "first" : "(first, torch.zeros_like(first))"
    let ends = options.cell == .gru ? "ends" : "(ends, _)"
    return """
      class Seq2Seq(nn.Module):
          \"""A recurrent encoder in both directions, and a decoder that begins at its ends.\"""

          def __init__(self, vocabulary, width, layers=1, padding=0, dropout=0.0):
              super().__init__()
              options = {"batch_first": True, "dropout": dropout if layers > 1 else 0.0}
              self.tokens = nn.Embedding(vocabulary, width)
              self.encoder = \(cell)(width, width, layers, bidirectional=True, **options)
              self.bridge = nn.Linear(2 * width, layers * width)
              self.decoder = \(cell)(width, width, layers, **options)\(lines(torchParts))
              self.head = nn.Linear(width, vocabulary)
              self.layers, self.padding, self.dropout = layers, padding, nn.Dropout(dropout)

          def forward(self, source, target):
              lengths = lengths_of(source, self.padding).clamp(min=1)
              hidden = behind(lengths, source.shape[1])[:, None]
              packed = nn.utils.rnn.pack_padded_sequence(
                  self.dropout(self.tokens(source)), lengths, True, False
              )
              packed, \(ends) = self.encoder(packed)
              memory, _ = nn.utils.rnn.pad_packed_sequence(
                  packed, True, total_length=source.shape[1]
              )
              first = self.bridge(torch.cat([ends[-2], ends[-1]], 1)).tanh()
              first = first.unflatten(1, (self.layers, -1)).transpose(0, 1).contiguous()
              inputs = self.dropout(self.tokens(target))
              states, _ = self.decoder(inputs, \(first))\(lines(torchWeights + torchOutput))
      """
  }
}
