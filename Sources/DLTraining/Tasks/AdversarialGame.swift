import DLLayers
import DLModels
import DLTensor

/// The losses of a discriminator and a generator, as sums over rows, from the discriminator's logits.
struct AdversarialGame {
  private let objective: AdversarialObjective

  init(_ objective: AdversarialObjective) { self.objective = objective }

  /// The loss that the discriminator learns from.
  func critic(real: Tensor, fake: Tensor) throws -> Tensor {
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

  private func crossEntropy(_ logits: Tensor, _ target: Double) throws -> Tensor {
    try BCEWithLogits().sum(
      logits, Tensor.full(logits.shape, target, dtype: logits.dtype, context: logits.context))
  }
}
