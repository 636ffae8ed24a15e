import DLLayers
import DLTensor

extension GIN: BuiltInTorchLayer {
  /// Classes with the names of the layers here.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.define("GINLayer", Self.torchLayer)
    program.define("GIN", Self.torchNetwork)
    return .call(
      "GIN",
      [
        "\(kinds)", "\(layers.count)", "\(heads.last?.weight.shape[1] ?? 0)",
        "\(heads[0].weight.shape[0])",
      ],
      ["dropout": .number(dropout.options.p, unless: 0)])
  }

  private static let torchLayer = """
    class GINLayer(nn.Module):
        \"""norm(mlp((1 + eps) x + the neighbors' x)).relu(), of the nodes that are there.\"""

        def __init__(self, inputs, outputs):
            super().__init__()
            self.mlp = nn.Sequential(
                nn.Linear(inputs, outputs, bias=False),
                nn.BatchNorm1d(outputs),
                nn.ReLU(),
                nn.Linear(outputs, outputs, bias=False),
            )
            self.norm = nn.BatchNorm1d(outputs)
            self.eps = nn.Parameter(torch.zeros(1))

        def forward(self, x, adjacency, there):
            mixed = (1 + self.eps) * x + adjacency @ x
            nodes = self.norm(self.mlp(mixed[there])).relu()
            return nodes.new_zeros(*there.shape, nodes.shape[-1]).index_put((there,), nodes)
    """

  private static let torchNetwork = """
    class GIN(nn.Module):
        \"""A graph isomorphism network over [batch, slots, 1 + neighbors] (Xu et al. 2019).\"""

        def __init__(self, kinds, layers, hidden, classes, dropout=0.0):
            super().__init__()
            widths = [kinds] + [hidden] * layers
            pairs = zip(widths, widths[1:])
            self.layers = nn.ModuleList(GINLayer(*pair) for pair in pairs)
            self.heads = nn.ModuleList(nn.Linear(width, classes) for width in widths)
            self.kinds, self.dropout = kinds, nn.Dropout(dropout)

        def forward(self, x):
            kind, neighbors = x[:, :, 0].long(), x[:, :, 1:].long()
            there, slots = kind > 0, torch.arange(1, x.shape[1] + 1)
            adjacency = (neighbors[..., None] == slots).sum(2).float()
            states = (kind[..., None] == torch.arange(1, self.kinds + 1)).float()
            logits = self.dropout(self.heads[0](states.sum(1)))
            for layer, head in zip(self.layers, self.heads[1:]):
                states = layer(states, adjacency, there)
                logits = logits + self.dropout(head(states.sum(1)))
            return logits
    """
}
