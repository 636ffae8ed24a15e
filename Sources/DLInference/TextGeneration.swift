import DLCluster
import DLCore
import DLData
import DLFormats
import DLModels
import DLTensor
import DLTraining

/// Text that a trained language model goes on with.
package struct TextGeneration: Sendable {
  /// The text to go on from; where it is nil, the first of line break, space and the tokens in their
  /// order that the run's tokenizer can express.
  package var prompt: String?
  /// Tokens to add, 0 to 1,000,000.
  package var tokens = 500
  /// The rule by which each is drawn.
  package var sampler: TokenSampler
  /// Keys the draws.
  package var seed: UInt64 = 1

  /// Makes a generation of 500 tokens.
  package init(sampler: TokenSampler) { self.sampler = sampler }

  /// Generates, handing over each piece of text as it comes.
  ///
  /// The prompt comes first. A token that ends within a character is held back until the character
  /// is whole.
  ///
  /// - Throws: `UsageError` for a run whose model continues no text, or a prompt that its tokens
  ///   cannot express; what opening the run throws.
  package func run(_ run: LoadedRun, write: (String) throws -> Void) throws {
    guard 0...1_000_000 ~= tokens else {
      throw UsageError("tokens \(tokens): give 0 to 1000000")
    }
    let trained = try LoadedNetwork(run, communicator: SingleRank())
    guard let model = trained.task.model as? any LanguageModel else {
      let advice =
        trained.task is any ImageGenerator
        ? "it makes images: give \(OptionName.output) FILE.png" : "name a run of a language model"
      throw UsageError("\(run.folder): its model continues no text; \(advice)")
    }
    guard let tokenizer = trained.tokenizer else {
      throw UsageError("\(run.folder): was not trained on text, name a run of a language model")
    }
    let prompt = try self.prompt ?? TextGeneration.beginning(tokenizer)
    let start = try tokenizer.encode(prompt)
    guard !start.isEmpty else {
      throw UsageError("prompt: is empty, give at least one character")
    }
    try write(prompt)
    var stream = RandomStream(RandomKey(seed).child("generate"))
    try trained.context.withoutRecording {
      let row = try model.continuation(in: trained.context)
      var logits = try row.feed(start)
      var held: [Int32] = []
      var last = start[start.count - 1]
      for _ in 0..<tokens {
        let token = Int32(sampler.draw(logits, from: &stream))
        held.append(token)
        let text = try tokenizer.decode(held, after: last)
        if !text.ends(with: "\u{fffd}") || held.count > 8 {
          try write(text)
          last = token
          held.removeAll()
        }
        logits = try row.feed([token])
      }
    }
  }

  /// The token that a text may begin with: a line break, a space, or the first token that is text
  /// by itself.
  private static func beginning(_ tokenizer: any Tokenizer) throws -> String {
    func expresses(_ text: String) -> Bool { (try? tokenizer.encode(text))?.isEmpty == false }
    if let text = ["\n", " "].first(where: expresses) { return text }
    for token in 0..<tokenizer.count {
      if let text = try? tokenizer.decode([Int32(token)]), expresses(text) { return text }
    }
    throw UsageError("prompt: the run's tokens need one, give a text to go on from")
  }
}
