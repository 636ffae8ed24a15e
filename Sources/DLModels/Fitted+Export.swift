import DLLayers
import DLTensor

extension GaussianClassifier: BuiltInONNXLayer {
  /// The logits of the softmax regression that it is.
  func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    try graph.add(linear, to: graph.add(flatten, to: x))
  }
}

extension GaussianClassifier: BuiltInTorchLayer {
  /// The softmax regression that it is.
  func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    program.define(
      "Gaussian",
      """
      class Gaussian(nn.Module):
          \"""Normal distributions of one covariance, which are a softmax regression.\"""

          def __init__(self, flatten, linear):
              super().__init__()
              self.flatten, self.linear = flatten, linear

          def forward(self, x):
              return self.linear(self.flatten(x))
      """)
    return .call(
      "Gaussian",
      [
        try program.expression(flatten, for: input),
        try program.expression(linear, for: [input.count]),
      ])
  }
}

extension NGram: BuiltInONNXLayer {
  /// `Gather` from the table: the row is the number that the tokens before make, of as many digits as
  /// there are, behind those of fewer tokens.
  ///
  /// - Throws: ``TensorError`` before the model has an arena.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let (time, context) = (x.row[0], order - 1)
    let table = try graph.weight(logProbabilities)
    let firsts = (0..<time).map { Self.first(behind: min($0 + 1, context), vocabulary) }
    var rows = graph.integers(firsts, shape: [1, time])
    let tokens = graph.node("Cast", [x.name], ["to": 7])
    var factor = 1
    for back in 0..<min(context, time) {
      // Tokens of the text before its beginning are 0, which adds nothing.
      let shifted =
        back == 0
        ? tokens : graph.node("Pad", [tokens, graph.integers([0, back, 0, -back])])
      rows = graph.node(
        "Add", [rows, graph.node("Mul", [shifted, graph.integers([factor], shape: [])])])
      factor *= vocabulary
    }
    if context == 0 {
      // Every position has the one row; the tokens only tell how many there are.
      rows = graph.node("Mul", [tokens, graph.integers([0], shape: [])])
    }
    let row: Shape = [time, vocabulary]
    return ONNXValue(graph.node("Gather", [table, rows], ["axis": 0]), row: row)
  }
}

extension NGram: BuiltInTorchLayer {
  /// A class that looks the tokens before each position's next one up.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.define(
      "NGram",
      """
      class NGram(nn.Module):
          \"""Logarithms of the probabilities of each next token, behind the tokens before.\"""

          def __init__(self, vocabulary, context, rows):
              super().__init__()
              self.vocabulary, self.context = vocabulary, context
              self.log_probabilities = nn.Parameter(torch.zeros(rows, vocabulary))

          def forward(self, x):
              time, firsts = x.shape[1], [0]
              for _ in range(self.context):
                  firsts.append(firsts[-1] * self.vocabulary + 1)
              places = [firsts[min(place + 1, self.context)] for place in range(time)]
              rows = torch.tensor(places).repeat(len(x), 1)
              for back in range(min(self.context, time)):
                  rows[:, back:] += self.vocabulary**back * x[:, : time - back].long()
              return self.log_probabilities[rows]
      """)
    return .call(
      "NGram", ["\(vocabulary)", "\(order - 1)", "\(logProbabilities.shape[0])"])
  }
}
