import DLConfiguration
import DLLayers

/// The game between a discriminator and a generator.
public enum AdversarialObjective: String, ConfigurationWord {
  /// `-log D(x) - log(1 - D(G(z)))` against `-log D(G(z))`, whose optimum is the Jensen-Shannon
  /// divergence. Goodfellow et al. 2014, with the non-saturating loss.
  case minimax
  /// `c(G(z)) - c(x)` against `-c(G(z))`, for a critic whose slope is bounded. Arjovsky et al. 2017.
  case wasserstein
  /// `max(0, 1 - c(x)) + max(0, 1 + c(G(z)))` against `-c(G(z))`. Miyato et al. 2018.
  case hinge
  /// `(c(x) - 1)² + c(G(z))²` against `(c(G(z)) - 1)²`. Mao et al. 2017.
  case leastSquares = "least_squares"
}

/// The training of a generative adversarial network.
public struct AdversarialOptions: Sendable, Equatable {
  /// The game that both play.
  public var objective = AdversarialObjective.minimax
  /// Updates of the discriminator in a step, each with noise of its own.
  public var criticSteps = 1
  /// The factor of `(‖∇c(x̂)‖₂ - 1)²` at points between real images and generated ones; 0 for none.
  ///
  /// Gulrajani et al. 2017.
  public var gradientPenalty = 0.0

  /// Makes the options of Goodfellow's game.
  public init() {}

  static func fields<Model: ModelSpec>(in options: WritableKeyPath<Model, Self>)
    -> [ConfigurationField<Model>]
  {
    [
      .init(
        "objective", options.appending(path: \.objective),
        "what both play for: minimax, wasserstein, hinge or least_squares"),
      .init(
        "critic_steps", options.appending(path: \.criticSteps), .within(1...100),
        "updates of the discriminator in a step"),
      .init(
        "gradient_penalty", options.appending(path: \.gradientPenalty), .atLeast(0),
        "factor of the discriminator's squared excess of slope over 1, 10 as published; 0 for none"),
    ]
  }

  /// The keys of ``fields(in:)``.
  static let keys: Set<String> = ["objective", "critic_steps", "gradient_penalty"]
}
