import DLLayers
import DLTensor

/// A model that translates and can be written as PyTorch code, for `source` and `target`, int32 `[batch,
/// time]`, filled up behind their ends.
package protocol TorchTranslation: SequenceToSequence {
  /// The description of its outputs.
  var torchOutputs: String { get }

  /// The expression that makes the network, for texts filled up with the token `padding`.
  ///
  /// - Throws: what a layer's own form throws.
  func torch(padding: Int, in program: TorchProgram) throws -> TorchExpression
}

extension TorchTranslation {
  /// Logits behind each token of the targets.
  package var torchOutputs: String { "logits [batch, target time, vocabulary]" }
}

extension TorchProgram {
  /// Defines where texts end, and the stacks of layers of a translating Transformer.
  fileprivate func defineTranslation() {
    defineTextEnds()
    define(
      "stack",
      """
      def stack(layer, layers, width, heads, inner, dropout, norm_first):
          \"""As many layers of a Transformer, and a normalization behind them.\"""
          norm = nn.LayerNorm(width) if norm_first else None
          made = layer(
              width, heads, inner, dropout, batch_first=True, norm_first=norm_first
          )
          if layer is nn.TransformerDecoderLayer:
              return nn.TransformerDecoder(made, layers, norm)
          return nn.TransformerEncoder(made, layers, norm, enable_nested_tensor=False)
      """)
  }

  /// Defines the places behind the ends of texts.
  func defineTextEnds() {
    define(
      "lengths_of",
      """
      def lengths_of(tokens, padding):
          \"""How many tokens each text has up to its last that is not for padding.\"""
          places = torch.arange(1, tokens.shape[1] + 1)
          return ((tokens != padding) * places).amax(1)


      def behind(lengths, time):
          \"""True behind the end of a text; its first token always counts.\"""
          return torch.arange(time) >= lengths.clamp(min=1)[:, None]
      """)
  }
}

extension TranslationTransformer: TorchTranslation {
  /// A class of PyTorch's encoder and decoder.
  ///
  /// - Throws: nothing: its positions have an expression.
  package func torch(padding: Int, in program: TorchProgram) throws -> TorchExpression {
    let positions = try program.expression(positions, for: [1, options.width])
    program.defineTranslation()
    program.define(
      "Translation",
      """
      class Translation(nn.Module):
          \"""A Transformer of one table of tokens for both texts (Vaswani et al. 2017).\"""

          def __init__(
              self, vocabulary, positions, layers, width, heads, inner, padding=0, dropout=0.0,
              norm_first=True
          ):
              super().__init__()
              self.tokens, self.positions = nn.Embedding(vocabulary, width), positions
              options = layers, width, heads, inner, dropout, norm_first
              self.encoder = stack(nn.TransformerEncoderLayer, *options)
              self.decoder = stack(nn.TransformerDecoderLayer, *options)
              self.head = nn.Linear(width, vocabulary, bias=False)
              self.head.weight = self.tokens.weight
              self.padding, self.dropout = padding, nn.Dropout(dropout)

          def embed(self, text):
              scale = self.tokens.embedding_dim**0.5
              return self.dropout(self.positions(self.tokens(text) * scale))

          def forward(self, source, target):
              hidden = behind(lengths_of(source, self.padding), source.shape[1])
              memory = self.encoder(self.embed(source), src_key_padding_mask=hidden)
              later = torch.ones(target.shape[1], target.shape[1], dtype=torch.bool).triu(1)
              states = self.decoder(
                  self.embed(target), memory, tgt_mask=later, memory_key_padding_mask=hidden
              )
              return self.head(states)
      """)
    return .call(
      "Translation",
      [
        "\(tokens.weight.shape[0])", positions, "\(options.layers)", "\(options.width)",
        "\(options.heads)", "\(options.feedForward)",
      ],
      [
        "padding": .number(padding, unless: 0), "dropout": .number(options.dropout, unless: 0),
        "norm_first": options.normFirst ? nil : "False",
      ])
  }
}

extension NonAutoregressiveTransformer: TorchTranslation {
  /// Those of all positions, and of lengths.
  package var torchOutputs: String {
    "logits [batch, target time, vocabulary] and of lengths [batch, \(2 * reach + 1)]"
  }

  /// A class of PyTorch's encoder and decoder, which sees later positions too.
  ///
  /// - Throws: nothing: its positions have an expression.
  package func torch(padding: Int, in program: TorchProgram) throws -> TorchExpression {
    let positions = try program.expression(positions, for: [1, options.width])
    program.defineTranslation()
    program.define(
      "Translation",
      """
      class Translation(nn.Module):
          \"""Writes all tokens at once: of target their number counts (Gu et al. 2018).\"""

          def __init__(
              self, vocabulary, positions, layers, width, heads, inner, lengths, padding=0,
              dropout=0.0, copy=True
          ):
              super().__init__()
              self.tokens, self.positions = nn.Embedding(vocabulary, width), positions
              options = layers, width, heads, inner, dropout, True
              self.encoder = stack(nn.TransformerEncoderLayer, *options)
              self.decoder = stack(nn.TransformerDecoderLayer, *options)
              self.length = nn.Linear(width, lengths)
              self.head = nn.Linear(width, vocabulary, bias=False)
              self.head.weight = self.tokens.weight
              self.padding, self.copy, self.dropout = padding, copy, nn.Dropout(dropout)

          def forward(self, source, target):
              lengths, wanted = [lengths_of(text, self.padding) for text in (source, target)]
              hidden = behind(lengths, source.shape[1])
              embedded = self.tokens(source) * self.tokens.embedding_dim**0.5
              memory = self.encoder(
                  self.dropout(self.positions(embedded)), src_key_padding_mask=hidden
              )
              states = self.decoder(
                  self.dropout(self.positions(self.starts(memory, lengths, wanted, target))),
                  memory,
                  tgt_key_padding_mask=behind(wanted, target.shape[1]),
                  memory_key_padding_mask=hidden,
              )
              some = lengths.clamp(min=1)[:, None]
              mean = memory.masked_fill(hidden[:, :, None], 0).sum(1) / some
              return self.head(states), self.length(mean)

          def starts(self, memory, lengths, wanted, target):
              if not self.copy:
                  return memory.new_zeros(*target.shape, memory.shape[2])
              source, places = lengths.clamp(min=1)[:, None], torch.arange(target.shape[1])
              chosen = places * source // wanted.clamp(min=1)[:, None]
              chosen = torch.minimum(chosen, source - 1)
              return memory.take_along_dim(chosen[:, :, None], 1)
      """)
    return .call(
      "Translation",
      [
        "\(tokens.weight.shape[0])", positions, "\(options.layers)", "\(options.width)",
        "\(options.heads)", "\(options.feedForward)", "\(2 * reach + 1)",
      ],
      [
        "padding": .number(padding, unless: 0), "dropout": .number(options.dropout, unless: 0),
        "copy": options.inputs == .copy ? nil : "False",
      ])
  }
}
