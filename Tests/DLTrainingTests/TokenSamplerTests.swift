import DLCore
import DLInference
import DLTensor
import DLTestSupport
import DLTraining
import Foundation
import Testing

@Suite struct TokenSamplerTests {
  private let logits = [0.5, 2.0, -1.0, 1.5, 0.0]

  private func shares(_ sampler: TokenSampler, draws: Int = 20_000) -> [Double] {
    var stream = RandomStream(RandomKey(9))
    var counts = [Double](repeating: 0, count: logits.count)
    for _ in 0..<draws { counts[sampler.draw(logits, from: &stream)] += 1 }
    return counts.map { $0 / Double(draws) }
  }

  /// The softmax over the tokens that stay.
  private func expected(_ kept: [Int], temperature: Double) -> [Double] {
    let weights = logits.indices.map { kept.contains($0) ? exp(logits[$0] / temperature) : 0 }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }

  @Test func drawsByTheSoftmaxOfWhatStays() throws {
    // At temperature 1 the probabilities are .116, .518, .026, .314, .070 or so.
    let cases: [(TokenSampler, [Int], Double)] = [
      (try TokenSampler(), [0, 1, 2, 3, 4], 1),
      (try TokenSampler(temperature: 0.5), [0, 1, 2, 3, 4], 0.5),
      (try TokenSampler(topK: 2), [1, 3], 1),
      (try TokenSampler(topK: 9), [0, 1, 2, 3, 4], 1),
      (try TokenSampler(topP: 0.6), [1, 3], 1),
      (try TokenSampler(topP: 0.4), [1], 1),
      (try TokenSampler(topP: 0.9), [0, 1, 3], 1),
      (try TokenSampler(topK: 3, topP: 1), [0, 1, 3], 1),
    ]
    for (sampler, kept, temperature) in cases {
      let want = expected(kept, temperature: temperature)
      for (got, want) in compared(shares(sampler), want) {
        #expect(want == 0 ? got == 0 : abs(got - want) < 0.015, "\(sampler)")
      }
    }
  }

  @Test func temperatureZeroTakesTheLargest() throws {
    #expect(try shares(TokenSampler(temperature: 0), draws: 5)[1] == 1)
    var stream = RandomStream(RandomKey(1))
    #expect(try TokenSampler().draw([-.infinity, 3, -.infinity], from: &stream) == 1)
    #expect(try TokenSampler(temperature: 1e-9).draw(logits, from: &stream) == 1)
  }

  @Test func refusesSettingsWithoutSense() {
    for bad in [(-1.0, nil, nil), (1, 0, nil), (1, nil, 0.0), (1, nil, 1.5)]
      as [(Double, Int?, Double?)]
    {
      #expect(throws: UsageError.self) {
        try TokenSampler(temperature: bad.0, topK: bad.1, topP: bad.2)
      }
    }
  }
}
