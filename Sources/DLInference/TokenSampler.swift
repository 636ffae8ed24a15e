import DLCore
import DLTensor
import Foundation

/// The rule by which the next token is drawn from a model's logits.
///
/// Divided by the temperature, cut to the `topK` largest, cut to the fewest whose probabilities
/// reach `topP` (Holtzman et al. 2020), then drawn; temperature 0 takes the largest. The order of
/// the cuts is that of Hugging Face's `generate`.
package struct TokenSampler: Sendable {
  /// The divisor of the logits; 0 for the largest logit always.
  package var temperature: Double
  /// The number of the largest logits to keep; nil for all.
  package var topK: Int?
  /// The probability that the kept tokens reach together; nil for all.
  package var topP: Double?

  /// Makes a sampler.
  ///
  /// - Throws: `UsageError` for a temperature below 0, a top-k below 1, a top-p outside 0 to 1.
  package init(temperature: Double = 1, topK: Int? = nil, topP: Double? = nil) throws {
    guard temperature >= 0, temperature.isFinite else {
      throw UsageError("temperature \(temperature): give 0 or more")
    }
    if let topK, topK < 1 { throw UsageError("top-k \(topK): give at least 1") }
    if let topP, !(topP > 0 && topP <= 1) {
      throw UsageError("top-p \(topP): give more than 0 and at most 1")
    }
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
  }

  /// The token drawn from logits; the first of equals where none is to be drawn.
  package func draw(_ logits: [Double], from stream: inout RandomStream) -> Int {
    let best = logits.indices.max { (logits[$0], $1) < (logits[$1], $0) } ?? 0
    guard temperature > 0, logits[best].isFinite else { return best }
    let candidates = candidates(logits, best: logits[best])
    let total = candidates.reduce(0) { $0 + $1.weight }
    var place = stream.uniform() * total
    for candidate in candidates {
      place -= candidate.weight
      if place < 0 { return candidate.token }
    }
    return candidates.last?.token ?? best
  }

  /// The tokens that may be drawn with their weights, the likeliest first.
  func candidates(_ logits: [Double], best: Double) -> [(token: Int, weight: Double)] {
    var kept = logits.enumerated()
      .map { (token: $0.offset, weight: PortableMath.exp(($0.element - best) / temperature)) }
      .filter { $0.weight > 0 }
      .sorted { ($1.weight, $0.token) < ($0.weight, $1.token) }
    if let topK { kept.removeLast(max(kept.count - topK, 0)) }
    guard let topP, topP < 1 else { return kept }
    let total = kept.reduce(0) { $0 + $1.weight }
    var sum = 0.0
    var count = 0
    while count < kept.count, sum < topP * total {
      sum += kept[count].weight
      count += 1
    }
    return Array(kept[..<max(count, 1)])
  }
}
