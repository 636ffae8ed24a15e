import DLConfiguration
import DLTensor

/// Layers that are written once and stand several times in the chain, each time with parameters of
/// their own.
///
/// They are numbered on in the chain that they stand in, as if they were written out:
/// `{repeat: {times: 2, layers: [linear, relu]}}` at place 3 gives `3.weight` and `5.weight`. Within
/// `sequential` they are a chain of their own, `3.0.weight` and `3.2.weight`.
package struct Repeat: LayerSpec {
  package static var word: String { "repeat" }
  /// The number of times that the layers stand there.
  package var times = 1
  /// The layers.
  package var layers: [LayerConfiguration] = []
  package init() {}
  package static var fields: [ConfigurationField<Self>] {
    [
      .init("times", \.times, .within(0...1024), required: true, "how many times"),
      .init("layers", \.layers, required: true, "layers, numbered on as if written out"),
    ]
  }
  /// The layers as often as they stand there.
  package var innerLayers: [[LayerConfiguration]] {
    [[LayerConfiguration]](repeating: layers, count: times)
  }
  /// Makes a chain of the layers for inputs of shape `[batch] + input`.
  ///
  /// - Throws: ``TensorError`` with the path of the first layer that does not take what comes
  ///   before it.
  package func layer(for input: Shape) throws -> any Layer {
    try LayerConfiguration.chain([LayerConfiguration(self)], input: input)
  }
}

extension LayerConfiguration {
  /// The layers of networks, chains within chains counted, are at most so many.
  package static let maximumLayers = 10_000

  /// The layers of a chain with those that are repeated written out.
  static func writtenOut(_ words: [LayerConfiguration]) -> [LayerConfiguration] {
    words.flatMap { word -> [LayerConfiguration] in
      guard let group = word.options as? Repeat else { return [word] }
      let once = writtenOut(group.layers)
      return (0..<group.times).flatMap { _ in once }
    }
  }

  /// The number of layers, those within layers counted; the largest number where there is none.
  package static func count(_ words: [LayerConfiguration]) -> Int {
    words.reduce(0) { sum, word in
      let inner: Int
      if let group = word.options as? Repeat {
        inner = group.times.productOrMax(count(group.layers))
      } else {
        inner = word.options.innerLayers.reduce(1) {
          min($0, Int.max / 2) + min(count($1), Int.max / 2)
        }
      }
      return min(sum, Int.max / 2) + min(inner, Int.max / 2)
    }
  }
}
