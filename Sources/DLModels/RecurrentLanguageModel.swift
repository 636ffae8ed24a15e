import DLConfiguration
import DLLayers
import DLTensor

/// A language model of LSTM layers.
///
/// Zaremba, Sutskever and Vinyals 2014, "Recurrent Neural Network Regularization"; weights start as
/// PyTorch starts them.
package struct LSTMLanguageModelOptions: ModelSpec {
  package static var name: String { "lstm_lm" }
  /// LSTM layers.
  package var layers = 2
  /// Numbers in the state of a layer.
  package var hidden = 256
  /// Features of a token; as many as the state's unless given.
  package var embedding: Int?
  /// The probability to zero an output between layers and in front of the logits.
  package var dropout = 0.0
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("layers", \.layers, .within(1...1024), "LSTM layers"),
      .init("hidden", \.hidden, .layerSize, "numbers in the state of a layer"),
      .init("embedding", \.embedding, .layerSize, "features of a token; hidden unless given"),
      .init("dropout", \.dropout, .within(0..<1), "probability of dropout between layers"),
    ]
  }

  /// Makes the network for windows of tokens.
  ///
  /// - Throws: ``TensorError`` for rows that are not `[time]` tokens with classes.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    LSTMLanguageModel(
      vocabulary: try ModelRegistry.requireTokens(Self.name, input, classes), layers: layers,
      hidden: hidden,
      embedding: embedding ?? hidden, dropout: dropout)
  }
}

/// The network of `LSTMLanguageModelOptions`: tokens `[batch, time]` to logits
/// `[batch, time, vocabulary]`.
package final class LSTMLanguageModel: Module, StatefulLayer, LanguageModel {
  private let embedding: Embedding
  private let lstm: LSTM
  private let dropout: Dropout
  private let head: Linear

  /// Makes a network.
  package init(vocabulary: Int, layers: Int, hidden: Int, embedding: Int, dropout: Double = 0) {
    self.embedding = Embedding(count: vocabulary, features: embedding)
    lstm = LSTM(inputSize: embedding, hiddenSize: hidden, layers: layers, dropout: dropout)
    self.dropout = Dropout(p: dropout)
    head = Linear(inputFeatures: hidden, outputFeatures: vocabulary)
  }

  /// Computes the logits behind every token of a stretch, and the state behind it.
  ///
  /// - Throws: ``TensorError`` for tokens outside the vocabulary, for a state of another shape, or
  ///   where there is no memory.
  package func forward(_ x: Tensor, state: RecurrentState?) throws -> (
    output: Tensor, state: RecurrentState
  ) {
    let (hidden, next) = try lstm(embedding(x), state: state)
    return (try head(dropout(hidden)), next)
  }

  /// The tokens of the vocabulary.
  package var inputDomain: ValueDomain { embedding.inputDomain }

  /// The output's shape without its batch axis.
  ///
  /// - Throws: ``TensorError`` for inputs that are not `[time]`.
  package func outputShape(for input: Shape) throws -> Shape {
    try head.outputShape(for: lstm.outputShape(for: embedding.outputShape(for: input)))
  }

  /// Starts a text.
  package func continuation(in context: Context) -> any DecodingSession {
    StateContinuation(self, context)
  }
}

extension LSTMLanguageModel: BuiltInONNXLayer {
  /// Tokens, the LSTM from a state of zeros, and the logits.
  ///
  /// - Throws: ``TensorError`` before the network has an arena, or where there is no memory for the
  ///   weights in ONNX's order.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    try graph.add(head, to: graph.add(lstm, to: graph.add(embedding, to: x)))
  }
}

extension LSTMLanguageModel: BuiltInTorchLayer {
  /// A class of the embedding, the LSTM and the logits.
  ///
  /// - Throws: ``LayerExportError`` where rows end, and ``LayerExportError`` or ``TensorError`` for
  ///   inputs that are not `[time]`.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    try program.requireWholeRows(self)
    program.define(
      "LanguageModel",
      """
      class LanguageModel(nn.Module):
          \"""An LSTM that gives logits of the token behind each position.\"""

          def __init__(self, embedding, lstm, head, dropout=0.0):
              super().__init__()
              self.embedding, self.lstm, self.head = embedding, lstm, head
              self.dropout = nn.Dropout(dropout)

          def forward(self, x):
              return self.head(self.dropout(self.lstm(self.embedding(x))))
      """)
    let embedded = try embedding.outputShape(for: input)
    return .call(
      "LanguageModel",
      [
        try program.expression(embedding, for: input),
        try program.expression(lstm, for: embedded),
        try program.expression(head, for: lstm.outputShape(for: embedded)),
      ], ["dropout": dropout.torchProbability])
  }
}

/// A text whose past a recurrent model keeps in its state.
private final class StateContinuation: DecodingSession {
  private let model: LSTMLanguageModel
  private let context: Context
  private var state: RecurrentState?

  init(_ model: LSTMLanguageModel, _ context: Context) {
    self.model = model
    self.context = context
  }

  func feed(_ tokens: [Int32]) throws -> [Double] {
    let input = try Tensor.labels(tokens, shape: [1, tokens.count], context: context)
    let (logits, next) = try model.forward(input, state: state)
    state = next
    return logits.lastRow
  }
}
