import DLLayers
import DLTensor

/// A language model of Transformer layers, which keep the keys and values of what they have seen.
package protocol WindowedLanguageModel: LanguageModel {
  /// The longest text that it sees.
  var contextLength: Int { get }
  /// The Transformer layers.
  var layerCount: Int { get }
  /// Computes the logits of the positions behind those that a cache holds.
  func forward(_ x: Tensor, cache: TransformerCache?) throws -> Tensor
}

extension WindowedLanguageModel {
  /// Starts a text of which the model sees the last window.
  func windowContinuation(in context: Context) -> any DecodingSession {
    WindowContinuation(self, context)
  }
}

/// A text of which a model sees the last window.
private final class WindowContinuation: DecodingSession {
  private let model: any WindowedLanguageModel
  private let cache: TransformerCache
  private let context: Context
  private var window: [Int32] = []

  init(_ model: any WindowedLanguageModel, _ context: Context) {
    self.model = model
    self.context = context
    cache = TransformerCache(layers: model.layerCount)
  }

  func feed(_ tokens: [Int32]) throws -> [Double] {
    window = (window + tokens).suffix(model.contextLength)
    var new = tokens
    if cache.length + tokens.count > model.contextLength {
      // Every position moves by one: nothing that the cache holds stays right.
      cache.reset()
      new = window
    }
    let input = try Tensor.labels(new, shape: [1, new.count], context: context)
    return try model.forward(input, cache: cache).lastRow
  }
}

extension Tensor {
  /// The last row of the last axis, as doubles.
  var lastRow: [Double] { Array(doubles.suffix(shape.last)) }
}
