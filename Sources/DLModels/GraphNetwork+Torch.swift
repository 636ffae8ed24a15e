import DLLayers
import DLTensor

/// A network over the nodes of a graph that can be written as PyTorch code, for `features` `[nodes,
/// features]` and `edges` `[edges, 2]`.
///
/// The adjacency is a dense matrix there, as in ONNX.
package protocol TorchGraphNetwork: GraphNetwork {
  /// The expression that makes the network.
  func torch(in program: TorchProgram) -> TorchExpression
}

extension TorchProgram {
  /// Defines a class of two layers over a graph, with an activation between them.
  fileprivate func defineGraphNetwork(
    _ name: String, _ description: String, layers: (String, String), _ activation: String
  ) {
    define(
      "shares",
      """
      def shares(features):
          \"""The features of each node over their sum.\"""
          return features / features.sum(1, keepdim=True).clamp(min=1)


      def joined(edges, nodes):
          \"""1 where an edge joins two nodes, in either direction, and from each to itself.\"""
          adjacency, edges = torch.eye(nodes), edges.long()
          adjacency[edges[:, 0], edges[:, 1]] = 1
          adjacency[edges[:, 1], edges[:, 0]] = 1
          return adjacency
      """)
    define(
      name,
      """
      class \(name)(nn.Module):
          \"""\(description)\"""

          def __init__(self, first, second, dropout=0.0):
              super().__init__()
              self.\(layers.0), self.\(layers.1) = first, second
              self.dropout = nn.Dropout(dropout)

          def forward(self, features, edges):
              x, adjacency = shares(features), joined(edges, len(features))
              x = F.\(activation)(self.\(layers.0)(self.dropout(x), adjacency))
              return self.\(layers.1)(self.dropout(x), adjacency)
      """)
  }
}

extension GCN: TorchGraphNetwork {
  /// Two graph convolutions with a ReLU between them.
  package func torch(in program: TorchProgram) -> TorchExpression {
    program.define(
      "GraphConvolution",
      """
      class GraphConvolution(nn.Module):
          \"""D^(-1/2) A D^(-1/2) x W + b.\"""

          def __init__(self, inputs, outputs):
              super().__init__()
              self.weight = nn.Parameter(torch.zeros(inputs, outputs))
              self.bias = nn.Parameter(torch.zeros(outputs))

          def forward(self, x, adjacency):
              degrees = adjacency.sum(1)
              normal = adjacency / (degrees[:, None] * degrees).sqrt()
              return normal @ (x @ self.weight) + self.bias
      """)
    program.defineGraphNetwork(
      "GCN", "A graph convolutional network (Kipf and Welling 2017).", layers: ("gc1", "gc2"),
      "relu")
    let layers = [gc1, gc2].map { layer -> TorchExpression in
      "GraphConvolution(\(layer.weight.shape[0]), \(layer.weight.shape[1]))"
    }
    return .call("GCN", layers, ["dropout": dropoutProbability])
  }
}

extension GraphSAGENetwork: TorchGraphNetwork {
  /// Two layers with a ReLU between them.
  package func torch(in program: TorchProgram) -> TorchExpression {
    program.define(
      "SAGE",
      """
      class SAGE(nn.Module):
          \"""The mean of the neighbors and the node itself, each by a matrix of its own.\"""

          def __init__(self, inputs, outputs):
              super().__init__()
              self.lin_l = nn.Linear(inputs, outputs)
              self.lin_r = nn.Linear(inputs, outputs, bias=False)

          def forward(self, x, adjacency):
              own = torch.eye(len(x))
              others = adjacency - own
              counts = others.sum(1, keepdim=True)
              means = torch.where(counts == 0, own, others) / counts.clamp(min=1)
              return self.lin_l(means @ x) + self.lin_r(x)
      """)
    program.defineGraphNetwork(
      "GraphSAGE", "A network of means over neighbors (Hamilton et al. 2017).",
      layers: ("conv1", "conv2"), "relu")
    let layers = [conv1, conv2].map { layer -> TorchExpression in
      "SAGE(\(layer.linL.weight.shape[1]), \(layer.linL.weight.shape[0]))"
    }
    return .call("GraphSAGE", layers, ["dropout": dropoutProbability])
  }
}

extension GAT: TorchGraphNetwork {
  /// Two layers of attention with an ELU between them.
  package func torch(in program: TorchProgram) -> TorchExpression {
    program.define(
      "GraphAttention",
      """
      class GraphAttention(nn.Module):
          \"""Attention of each node over its neighbors, head by head.\"""

          def __init__(self, inputs, outputs, heads, averaged=False, dropout=0.0):
              super().__init__()
              self.lin = nn.Linear(inputs, heads * outputs, bias=False)
              self.att_src = nn.Parameter(torch.zeros(1, heads, outputs))
              self.att_dst = nn.Parameter(torch.zeros(1, heads, outputs))
              self.bias = nn.Parameter(torch.zeros(outputs if averaged else heads * outputs))
              self.averaged, self.dropout = averaged, nn.Dropout(dropout)

          def forward(self, x, adjacency):
              h = self.lin(x).unflatten(1, self.att_src.shape[1:])
              source, target = (h * self.att_src).sum(2).T, (h * self.att_dst).sum(2).T
              scores = F.leaky_relu(target[:, :, None] + source[:, None], \(conv1.slope))
              scores = scores.masked_fill(adjacency == 0, -torch.inf)
              y = (self.dropout(scores.softmax(2)) @ h.transpose(0, 1)).transpose(0, 1)
              return (y.mean(1) if self.averaged else y.flatten(1)) + self.bias
      """)
    program.defineGraphNetwork(
      "GAT", "A graph attention network (Velickovic et al. 2018).", layers: ("conv1", "conv2"),
      "elu")
    let layers = [conv1, conv2].map { layer -> TorchExpression in
      let (heads, outputs) = (layer.attSrc.shape[1], layer.attSrc.shape[2])
      return .call(
        "GraphAttention", ["\(layer.lin.weight.shape[1])", "\(outputs)", "\(heads)"],
        [
          "averaged": layer.combination == .averaged ? "True" : nil,
          "dropout": .number(layer.probability, unless: 0),
        ])
    }
    return .call("GAT", layers, ["dropout": dropoutProbability])
  }
}
