import DLLayers
import DLModels
import DLTensor

/// The losses of a discriminator and a generator, as sums over rows, from the discriminator's logits.
package struct AdversarialGame {
  private let objective: AdversarialObjective

  package init(_ objective: AdversarialObjective) { self.objective = objective }

  /// The loss that the discriminator learns from.
  ///
  /// - Throws: ``TensorError`` when there is no memory.
  package func critic(real: Tensor, fake: Tensor) throws -> Tensor {
    switch objective {
    case .minimax: try crossEntropy(real, 1) + crossEntropy(fake, 0)
    case .wasserstein: try fake.sum() - real.sum()
    case .hinge: try (1 - real).relu().sum() + (fake + 1).relu().sum()
    case .leastSquares: try (real - 1).square().sum() + fake.square().sum()
    }
  }

  /// The loss that the generator learns from.
  func generator(fake: Tensor) throws -> Tensor {
    switch objective {
    case .minimax: try crossEntropy(fake, 1)
    case .wasserstein, .hinge: try fake.sum() * -1
    case .leastSquares: try (fake - 1).square().sum()
    }
  }

  /// The distance of real and generated images as the discriminator's loss tells it, summed over rows
  /// like the loss: a lower bound, since no discriminator tells more than the best one.
  ///
  /// The Jensen-Shannon divergence in nats under `minimax` (Goodfellow et al. 2014, theorem 1), the earth
  /// mover's distance times the critic's largest slope under `wasserstein` (Arjovsky et al. 2017, equation 2),
  /// the total variation under `hinge`, `½ ∫ (p - q)² / (p + q)` under `leastSquares`. The last two and the
  /// first, divided by log 2, lie between 0 and 1.
  package func divergence(criticLoss: Double, rows: Int) -> Double {
    let rows = Double(rows)
    return switch objective {
    case .minimax: rows * PortableMath.log(2) - criticLoss / 2
    case .wasserstein: -criticLoss
    case .hinge: rows - criticLoss / 2
    case .leastSquares: rows - 2 * criticLoss
    }
  }

  private func crossEntropy(_ logits: Tensor, _ target: Double) throws -> Tensor {
    try BCEWithLogits().sum(
      logits, Tensor.full(logits.shape, target, dtype: logits.dtype, context: logits.context))
  }
}
