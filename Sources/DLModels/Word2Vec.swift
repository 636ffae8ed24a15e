import DLConfiguration
import DLLayers
import DLTensor

/// Vectors of words from the words around them, with negative sampling.
///
/// A window is a word with as many on either side of it. With `v` for vectors of words that are given and `u` for those of
/// words that are asked for, an example's loss is `-log σ(u_w · h) - Σ log σ(-u_n · h)` over `negatives` other words n,
/// drawn by their counts to the power of 3/4: `skip_gram` asks for each word around by h = v of the one in the middle, `cbow` for
/// the one in the middle by the mean of those around. Mikolov et al. 2013, "Distributed Representations of
/// Words and Phrases and their Compositionality".
package struct Word2VecOptions: ModelSpec {
  package static var name: String { "word2vec" }

  /// The words that can be asked for.
  package enum Kind: String, ConfigurationWord {
    /// Those around, by the one in the middle.
    case skipGram = "skip_gram"
    /// The one in the middle, by those around.
    case cbow
  }

  /// The words that are asked for.
  package var kind = Kind.skipGram
  /// Numbers of a vector.
  package var size = 100
  /// Other words for each that is asked for.
  package var negatives = 5
  /// The share of the text above which words are passed over at random; 0 for none.
  package var subsample = 0.0

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("kind", \.kind, "skip_gram asks for the words around, cbow for the one in the middle"),
      .init("size", \.size, .layerSize, "numbers of a vector"),
      .init("negatives", \.negatives, .within(1...1024), "other words for each that is asked for"),
      .init(
        "subsample", \.subsample, .within(0...1),
        "share of the text above which words are passed over at random; 0 for none"),
    ]
  }

  /// Makes the tables for windows of tokens.
  ///
  /// - Throws: ``TensorError`` for rows that are not `[time]` tokens with classes, or for a window
  ///   without a middle.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    let vocabulary = try ModelRegistry.requireTokens(Self.name, input, classes)
    guard input[0] >= 3, !input[0].isMultiple(of: 2) else {
      throw TensorError(
        op: Self.name,
        "a window has a word in its middle and as many on either side; set data.window to an odd "
          + "number of 3 or more, not \(input[0])")
    }
    return Word2Vec(vocabulary: vocabulary, self)
  }
}

/// The two tables of ``Word2VecOptions``; those of the words that are given, `input`, are the vectors.
package final class Word2Vec: Module {
  /// The vectors, from U(-0.5 / size, 0.5 / size).
  package let input: Embedding
  /// Those of words that are asked for, from zero.
  package let output: Embedding
  /// The options.
  package let options: Word2VecOptions

  /// Makes tables.
  package init(vocabulary: Int, _ options: Word2VecOptions) {
    self.options = options
    input = Embedding(
      count: vocabulary, features: options.size,
      initializer: .uniform(bound: 0.5 / Double(options.size)))
    output = Embedding(count: vocabulary, features: options.size, initializer: .zeros)
  }

  /// The sum of the losses of examples.
  ///
  /// - Parameters:
  ///   - given: the words of each example, one after the other, int32 `[words]`.
  ///   - offsets: where those of each begin, int32 `[examples]`.
  ///   - asked: the right word and others, int32 `[examples, 1 + negatives]`.
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func lossSum(given: Tensor, offsets: Tensor, asked: Tensor) throws -> Tensor {
    let (examples, width) = (asked.shape[0], asked.shape[1])
    guard examples > 0 else {
      // As much as nothing, from which gradients of zero flow.
      return try input.weight.value.rows(0..<1).sum().converted(to: .float64) * 0
    }
    let means = try given.embeddingBag(input.weight.value, offsets: offsets)
    let scores = try output(asked).matmul(means.reshape([examples, options.size, 1]))
      .reshape([examples, width])
    let first = try Tensor.labels(
      [Int32](repeating: 0, count: examples), shape: [examples], context: asked.context)
    return try scores.bceWithLogitsSum(first.oneHot(classes: width))
  }
}
