import DLLayers
import DLTensor

/// A model that continues a row of tokens.
public protocol LanguageModel: Layer {
  /// Starts a row in a context; a row is used by one rank.
  ///
  /// - Throws: ``TensorError`` where memory fails.
  func continuation(in context: Context) throws -> any DecodingSession
}

/// A model that fills in tokens which are hidden from it.
package protocol MaskedLanguageModel: Layer {
  /// The number of tokens that rows consist of.
  var vocabulary: Int { get }
  /// The share of tokens that are asked for; nil where it learns something else.
  var maskShare: Double? { get }
  /// The token that stands for a hidden one.
  var maskToken: Int32 { get }
}

/// A row of tokens that a model goes on with, and what the model keeps of it.
public protocol DecodingSession: AnyObject {
  /// Adds tokens, at least one, and returns the logits of the one behind them, `[vocabulary]`.
  ///
  /// - Throws: `TensorError` for a token outside the vocabulary.
  func feed(_ tokens: [Int32]) throws -> [Double]
}
