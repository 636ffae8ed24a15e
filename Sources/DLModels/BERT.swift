import DLConfiguration
import DLLayers
import DLTensor

/// A Transformer encoder over tokens that learns the words that are hidden from it, or the class of a
/// text.
///
/// Devlin et al. 2019, with normalization first (Xiong et al. 2020) and without the prediction of the
/// next sentence. A text's class comes from the mean over its positions.
package struct BERTOptions: ModelSpec {
  package static var name: String { "bert" }

  /// The tasks that it can learn.
  package enum Head: String, ConfigurationWord {
    /// The tokens that are hidden.
    case masked
    /// The classes of texts.
    case classify
  }

  /// The task that it learns.
  package var head = Head.masked
  /// Tokens of the vocabulary; the data's classes unless given.
  package var vocabulary: Int?
  /// The token that fills rows up; none unless given.
  package var paddingIdx: Int?
  /// Transformer layers.
  package var layers = 4
  /// Features of a position.
  package var width = 128
  /// Heads, which divide the width.
  package var heads = 4
  /// The probability of dropout, everywhere.
  package var dropout = 0.1
  /// The share of tokens that are asked for: of them 80% are hidden, 10% are replaced by any token, 10%
  /// stay.
  package var maskShare = 0.15
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("head", \.head, "masked: hidden tokens; classify: the class of a text"),
      .init("vocabulary", \.vocabulary, .layerSize, "tokens; the data's classes unless given"),
      .init(
        "padding_idx", \.paddingIdx, .atLeast(0), "token that fills rows up; none unless given"),
      .init("layers", \.layers, .within(1...1024), "Transformer layers"),
      .init("width", \.width, .layerSize, "features of a position"),
      .init("heads", \.heads, .layerSize, "heads, which divide the width"),
      .init("dropout", \.dropout, .within(0..<1), "probability of dropout, everywhere"),
      .init("mask_share", \.maskShare, .within(0.001...0.9), "share of tokens that are asked for"),
    ]
  }

  package func problems() -> [ConfigurationProblem] {
    var problems = headProblems(width: width, heads: heads)
    if let vocabulary, let paddingIdx, paddingIdx >= vocabulary {
      let message = "\(paddingIdx) is no token of \(vocabulary)"
      problems.append(.init("padding_idx", "vocabulary", message: message))
    }
    return problems
  }

  /// Makes the network for rows of `[time]` tokens.
  ///
  /// - Throws: ``TensorError`` for rows that are not `[time]` tokens with classes, or where texts
  ///   are classified and `vocabulary` is not given.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    let classes = try ModelRegistry.requireTokens(Self.name, input, classes)
    if head == .classify, vocabulary == nil {
      throw TensorError(
        op: Self.name, "head: classify needs model.vocabulary, the number of tokens")
    }
    return BERT(vocabulary: vocabulary ?? classes, length: input[0], classes: classes, self)
  }
}

/// The network of `BERTOptions`: tokens `[batch, time]` to logits `[batch, time, vocabulary]`, or
/// `[batch, classes]`.
package final class BERT: Module, MaskedLanguageModel {
  private let tokens: Embedding
  private let positions: LearnedPositions
  private let dropout: Dropout
  private let encoder: TransformerEncoder
  private let head: Linear?
  private let classifier: Linear?
  /// The number of tokens, that for hidden ones left out.
  package let vocabulary: Int
  /// The share of tokens that are asked for; nil where texts are classified.
  package let maskShare: Double?

  init(vocabulary: Int, length: Int, classes: Int, _ options: BERTOptions) {
    let small = Initializer.normal(standardDeviation: 0.02)
    let isMasked = options.head == .masked
    self.vocabulary = vocabulary
    maskShare = isMasked ? options.maskShare : nil
    tokens = Embedding(
      count: vocabulary + 1, features: options.width, paddingIndex: options.paddingIdx,
      initializer: small)
    positions = LearnedPositions(length: length, features: options.width, initializer: small)
    dropout = Dropout(p: options.dropout)
    encoder = TransformerEncoder(
      layers: options.layers, features: options.width,
      TransformerOptions(
        heads: options.heads, feedForward: 4 * options.width, dropout: options.dropout,
        activation: .gelu, normFirst: true))
    head = isMasked ? Linear(inputFeatures: options.width, outputFeatures: vocabulary) : nil
    classifier = isMasked ? nil : Linear(inputFeatures: options.width, outputFeatures: classes)
  }

  /// The token that stands for a hidden one.
  package var maskToken: Int32 { Int32(vocabulary) }

  package func forward(_ x: Tensor) throws -> Tensor {
    let states = try encoder(dropout(positions(tokens(x))))
    if let head { return try head(states) }
    guard let classifier else { return states }
    return try classifier(dropout(states.validAvgPool1d()))
  }

  package var inputDomain: ValueDomain { tokens.inputDomain }

  package var inputPadding: Int32? { tokens.inputPadding }

  package func outputShape(for input: Shape) throws -> Shape {
    let states = try encoder.outputShape(for: tokens.outputShape(for: input))
    return try head?.outputShape(for: states) ?? classifier?.outputShape(for: [states[1]]) ?? states
  }
}

extension BERT: BuiltInONNXLayer {
  /// Tokens and positions, the encoder, and the head.
  ///
  /// - Throws: ``TensorError`` before the network has an arena, or where there is no memory for a
  ///   constant.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let embedded = try graph.add(positions, to: graph.add(tokens, to: x))
    let states = try graph.add(encoder, to: embedded)
    if let head { return try graph.add(head, to: states) }
    guard let classifier else { return states }
    return try graph.add(classifier, to: graph.validMean(states))
  }
}

extension BERT: BuiltInTorchLayer {
  /// A class of the embedding, the encoder and the head.
  ///
  /// - Throws: ``LayerExportError`` or ``TensorError`` for tokens of more than one axis.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    // The mean is over the tokens that each row has.
    let (encoded, mean) =
      program.rowsEnd
      ? (
        "ended(self.encoder(ended(states, ends(x))), ends(x))",
        program.endedMean("states")
      ) : ("self.encoder(states)", "states.mean(1)")
    program.define(
      "BERT",
      """
      class BERT(nn.Module):
          \"""A Transformer's encoder with a head for each token, or a classifier of the mean.\"""

          def __init__(self, tokens, positions, encoder, head=None, classifier=None, dropout=0.0):
              super().__init__()
              self.tokens, self.positions, self.encoder = tokens, positions, encoder
              self.head, self.classifier = head, classifier
              self.dropout = nn.Dropout(dropout)

          def forward(self, x):
              states = self.dropout(self.positions(self.tokens(x)))
              states = \(encoded)
              if self.head:
                  return self.head(states)
              return self.classifier(self.dropout(\(mean)))
      """)
    let states = try tokens.outputShape(for: input)
    return .call(
      "BERT",
      [
        try program.expression(tokens, for: input), try program.expression(positions, for: states),
        try program.expression(encoder, for: states),
      ],
      [
        "head": try head.map { try program.expression($0, for: states) },
        "classifier": try classifier.map { try program.expression($0, for: [states[1]]) },
        "dropout": dropout.torchProbability,
      ])
  }
}
