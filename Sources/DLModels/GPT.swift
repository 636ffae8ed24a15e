import DLConfiguration
import DLLayers
import DLTensor

/// A language model of causal Transformer layers with normalization first, as GPT-2 is.
///
/// Radford et al. 2019; sizes, dropout and the start of weights as in nanoGPT: normal with standard
/// deviation 0.02, the projections that end a residual branch smaller by √(2 · layers), and one
/// table for words and logits.
package struct GPTOptions: ModelSpec {
  package static var name: String { "gpt" }
  /// Transformer layers.
  package var layers = 4
  /// Features of a position.
  package var width = 128
  /// Heads, which divide the width.
  package var heads = 4
  /// The probability of dropout, everywhere.
  package var dropout = 0.0
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("layers", \.layers, .within(1...1024), "Transformer layers"),
      .init("width", \.width, .layerSize, "features of a position"),
      .init("heads", \.heads, .layerSize, "heads, which divide the width"),
      .init("dropout", \.dropout, .within(0..<1), "probability of dropout, everywhere"),
    ]
  }

  package func problems() -> [ConfigurationProblem] { headProblems(width: width, heads: heads) }

  /// Makes the network for windows of `[context]` tokens.
  ///
  /// - Throws: ``TensorError`` for rows that are not `[context]` tokens with classes.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    GPT(
      vocabulary: try ModelRegistry.requireTokens(Self.name, input, classes), context: input[0],
      layers: layers, width: width, heads: heads, dropout: dropout)
  }
}

/// The network of `GPTOptions`: tokens `[batch, time]` to logits `[batch, time, vocabulary]`.
package final class GPT: Module, WindowedLanguageModel {
  private let tokens: Embedding
  private let positions: LearnedPositions
  private let dropout: Dropout
  private let blocks: TransformerEncoder
  private let head: Linear
  /// The longest text that it sees.
  package let contextLength: Int
  /// The Transformer layers.
  package var layerCount: Int { blocks.layers.count }

  /// Makes a network for windows of up to `context` tokens.
  package init(
    vocabulary: Int, context: Int, layers: Int, width: Int, heads: Int, dropout: Double = 0
  ) {
    let small = Initializer.normal(standardDeviation: 0.02)
    tokens = Embedding(count: vocabulary, features: width, initializer: small)
    positions = LearnedPositions(length: context, features: width, initializer: small)
    self.dropout = Dropout(p: dropout)
    blocks = TransformerEncoder(
      layers: layers, features: width,
      TransformerOptions(
        heads: heads, feedForward: 4 * width, dropout: dropout, activation: .gelu, normFirst: true,
        isCausal: true))
    head = Linear(tiedTo: tokens.weight)
    contextLength = context
    super.init()
    let ending = Initializer.normal(
      standardDeviation: 0.02 / Double(2 * layers).squareRoot())
    for layer in blocks.layers {
      for parameter in layer.parameters() {
        if parameter.shape.rank == 2 { parameter.initializer = small }
      }
      for linear in [layer.selfAttn.outProj, layer.linear2] { linear.weight.initializer = ending }
      for linear in [layer.linear1, layer.linear2] { linear.bias?.initializer = .zeros }
    }
  }

  /// Computes the logits behind every token.
  ///
  /// - Throws: ``TensorError`` for tokens outside the vocabulary, for more of them than
  ///   `contextLength`, or where there is no memory.
  package func forward(_ x: Tensor) throws -> Tensor { try forward(x, cache: nil) }

  /// Computes the logits of the positions behind those that a cache holds.
  ///
  /// - Throws: ``TensorError`` for tokens outside the vocabulary, for more of them than
  ///   `contextLength` together with those of the cache, for a cache of another number of layers,
  ///   or where there is no memory.
  package func forward(_ x: Tensor, cache: TransformerCache?) throws -> Tensor {
    let embedded = try dropout(positions(tokens(x), offset: cache?.length ?? 0))
    return try head(blocks(embedded, mask: AttentionMask(), cache: cache))
  }

  /// Starts a text.
  package func continuation(in context: Context) -> any DecodingSession {
    windowContinuation(in: context)
  }

  /// The tokens of the vocabulary.
  package var inputDomain: ValueDomain { tokens.inputDomain }

  /// The output's shape without its batch axis.
  ///
  /// - Throws: ``TensorError`` for inputs that are not `[time]`.
  package func outputShape(for input: Shape) throws -> Shape {
    try head.outputShape(for: blocks.outputShape(for: tokens.outputShape(for: input)))
  }
}

extension GPT: BuiltInONNXLayer {
  /// Tokens and positions, the blocks, and the table of tokens once more.
  ///
  /// - Throws: ``TensorError`` before the network has an arena, or where there is no memory for a
  ///   constant.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let embedded = try graph.add(positions, to: graph.add(tokens, to: x))
    return try graph.add(head, to: graph.add(blocks, to: embedded))
  }
}

extension GPT: BuiltInTorchLayer {
  /// A class whose logits have the table of tokens as their weight.
  ///
  /// - Throws: ``LayerExportError`` where rows end, and ``LayerExportError`` or ``TensorError`` for
  ///   tokens of more than one axis.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    try program.requireWholeRows(self)
    program.define(
      "GPT",
      """
      class GPT(nn.Module):
          \"""A causal Transformer that gives logits of the token behind each position.\"""

          def __init__(self, tokens, positions, blocks, dropout=0.0):
              super().__init__()
              self.tokens, self.positions, self.blocks = tokens, positions, blocks
              self.dropout = nn.Dropout(dropout)
              self.head = nn.Linear(*reversed(tokens.weight.shape), bias=False)
              self.head.weight = tokens.weight

          def forward(self, x):
              return self.head(self.blocks(self.dropout(self.positions(self.tokens(x)))))
      """)
    let embedded = try tokens.outputShape(for: input)
    return .call(
      "GPT",
      [
        try program.expression(tokens, for: input),
        try program.expression(positions, for: embedded),
        try program.expression(blocks, for: embedded),
      ], ["dropout": dropout.torchProbability])
  }
}
