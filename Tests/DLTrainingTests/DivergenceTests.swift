import DLModels
import DLTensor
import DLTestSupport
import DLTraining
import Glibc
import Testing

/// What a discriminator's loss tells of two distributions, against their distance by its definition.
@Suite struct DivergenceTests {
  /// Rows of each of four values, of 16, on either side.
  private let real = [5, 1, 2, 8]
  private let fake = [2, 6, 6, 2]
  private var p: [Double] { real.map { Double($0) / 16 } }
  private var q: [Double] { fake.map { Double($0) / 16 } }

  /// The distance that a discriminator with these outputs for the four values tells.
  private func told(_ objective: AdversarialObjective, _ outputs: [Double]) throws -> Double {
    let context = Context(precision: .float64)
    func rows(_ counts: [Int]) throws -> Tensor {
      let values = counts.indices.flatMap { [Double](repeating: outputs[$0], count: counts[$0]) }
      return try Tensor.values(values, shape: [16, 1], context: context)
    }
    let game = AdversarialGame(objective)
    let loss = try game.critic(real: rows(real), fake: rows(fake)).scalar
    return game.divergence(criticLoss: loss, rows: 16) / 16
  }

  private func pairs(_ value: (Double, Double) -> Double) -> [Double] {
    p.indices.map { value(p[$0], q[$0]) }
  }

  @Test func jensenShannon() throws {
    let wanted = pairs { p, q in
      let middle = (p + q) / 2
      return (p * log(p / middle) + q * log(q / middle)) / 2
    }.reduce(0, +)
    let best = pairs { p, q in log(p / q) }
    #expect(abs(try told(.minimax, best) - wanted) < 1e-12)
    // One that tells them apart less well tells less.
    let half = try told(.minimax, best.map { $0 / 2 })
    #expect(half < wanted && half > 0)
  }

  @Test func totalVariation() throws {
    let wanted = pairs { p, q in abs(p - q) / 2 }.reduce(0, +)
    #expect(abs(try told(.hinge, pairs { p, q in p > q ? 1 : -1 }) - wanted) < 1e-12)
  }

  @Test func triangularDiscrimination() throws {
    let wanted = pairs { p, q in (p - q) * (p - q) / (p + q) / 2 }.reduce(0, +)
    #expect(abs(try told(.leastSquares, pairs { p, q in p / (p + q) }) - wanted) < 1e-12)
  }

  /// The values lie a distance of 1 apart, and so do the outputs of a critic of slope 1.
  @Test func earthMover() throws {
    var (wanted, moved, critic) = (0.0, 0.0, [0.0])
    for place in 0..<3 {
      moved += p[place] - q[place]
      wanted += abs(moved)
      critic.append(critic[place] - (moved > 0 ? 1 : -1))
    }
    #expect(abs(try told(.wasserstein, critic) - wanted) < 1e-12)
  }
}
