import DLConfiguration
import DLLayers
import DLTensor

/// A recurrent encoder and decoder for translation, with or without attention.
///
/// Without it all that the decoder knows of a source is its first state (Sutskever et al. 2014; Cho et
/// al. 2014); with it the decoder's states look at the encoder's (Bahdanau et al. 2015), behind the
/// recurrence, as in Luong et al. 2015, section 3.1.
package struct RecurrentTranslationOptions: ModelSpec {
  package static var name: String { "seq2seq" }

  /// The score that a state of the decoder gives those of the encoder.
  package enum Attention: String, ConfigurationWord {
    /// It does not.
    case none
    /// By a small network: `w · tanh(W_q q + W_k k)`.
    case additive
    /// By a product: `q · W k`.
    case dot
    /// By a product, of which what is below 0 counts nothing, in the place of a softmax: `relu(q · W k
    /// / √width) / length` (Wortsman et al. 2023).
    case relu
  }

  /// Features of a token and of the decoder's states.
  package var width = 256
  /// Layers of the decoder, and of the encoder.
  package var layers = 1
  /// The kind of cells: those of a GRU or of an LSTM.
  package var cell = Cell.gru
  /// The decoder's way to look at the source.
  package var attention = Attention.dot
  /// The probability of dropout around the recurrent layers and between them.
  package var dropout = 0.2
  /// The share of the probability that goes to other tokens than the right one.
  package var labelSmoothing = 0.0
  /// The number of translations that are kept while one is written.
  package var beam = 4
  /// The probability, in the end, to train the decoder on its own choice in place of the right token.
  package var sampling = 0.0
  /// Steps over which that probability grows from 0, evenly.
  package var samplingSteps = 0
  /// True if tokens of the source may be copied.
  package var copy = false
  /// The cost of attention away from the diagonal, for texts that go along with their sources; 0
  /// for nothing.
  package var guided = 0.0
  /// The distance from the diagonal at which attention costs little, as a share of both lengths.
  package var guidedWidth = 0.2
  /// The share of the loss that is the BLEU of translations that were drawn.
  package var selfCritical = 0.0
  /// The translations of a sentence that are drawn for it, whose expected BLEU it is then (minimum risk);
  /// 0 for one, against what the model writes anyway.
  package var riskSamples = 0

  /// The cells that there are.
  package enum Cell: String, ConfigurationWord {
    /// Gated recurrent units.
    case gru
    /// Long short-term memory.
    case lstm
  }

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("width", \.width, .layerSize, "features of a token and of the decoder's states"),
      .init("layers", \.layers, .within(1...16), "layers of the decoder, and of the encoder"),
      .init("cell", \.cell, "gru or lstm"),
      .init(
        "attention", \.attention, "how the decoder looks at the source: none, additive, dot or relu"
      ),
      .init("dropout", \.dropout, .within(0..<1), "probability of dropout"),
      .init(
        "label_smoothing", \.labelSmoothing, .within(0..<1),
        "probability given to other tokens than the right one"),
      .init("beam", \.beam, .within(1...256), "translations kept while one is written"),
      .init(
        "sampling", \.sampling, .within(0...1),
        "probability to train the decoder on its own choice in place of the right token"),
      .init(
        "sampling_steps", \.samplingSteps, .atLeast(0),
        "steps over which that probability grows from 0; it is whole from the start unless given"),
      .init("copy", \.copy, "whether tokens of the source may be copied"),
      .init(
        "guided", \.guided, .atLeast(0),
        "what attention away from the diagonal costs; 0 for nothing"
      ),
      .init(
        "guided_width", \.guidedWidth, .above(0),
        "how far from the diagonal attention costs little, as a share of both lengths"),
      .init(
        "self_critical", \.selfCritical, .within(0...1),
        "share of the loss that is the BLEU of translations that were drawn"),
      .init(
        "risk_samples", \.riskSamples, .within(0...64),
        "translations drawn of a sentence whose expected BLEU that is (minimum risk); 0 for one, "
          + "against what the model writes anyway"),
    ]
  }

  /// The keys that came later than the network.
  package static var unwrittenDefaults: Set<String> {
    [
      "sampling", "sampling_steps", "copy", "guided", "guided_width", "self_critical",
      "risk_samples",
    ]
  }

  package func problems() -> [ConfigurationProblem] {
    var problems: [ConfigurationProblem] = []
    if copy, attention == .none || attention == .relu {
      problems.append(
        .init(
          "copy", "attention",
          message: "needs attention that adds up to 1; give attention: dot or additive"))
    }
    if guided > 0, attention == .none {
      problems.append(.init("guided", "attention", message: "there is no attention to guide"))
    }
    if riskSamples > 0, selfCritical == 0 {
      problems.append(
        .init("risk_samples", "self_critical", message: "is for self_critical, which is 0"))
    }
    if riskSamples == 1 {
      problems.append(.init("risk_samples", message: "one has nothing beside it; give 2 or more"))
    }
    return problems
  }

  /// Makes the network for rows of tokens.
  ///
  /// - Throws: ``TensorError`` for rows that are not `[time]` tokens with classes.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    RecurrentTranslation(
      vocabulary: try ModelRegistry.requireTokens(Self.name, input, classes), self)
  }
}
