import DLConfiguration

/// The losses that `loss` can name.
public enum LossRegistry {
  /// The library's losses: a new one adds itself here.
  package static let builtIn: [any LossSpec.Type] =
    [
      CrossEntropy.self,
      NegativeLogLikelihood.self,
      MeanSquaredError.self,
      MeanAbsoluteError.self,
      Huber.self,
      SmoothL1.self,
      BinaryCrossEntropy.self,
      BCEWithLogits.self,
      MultiLabelSoftMargin.self,
      Focal.self,
      Dice.self,
      KLDivergence.self,
      CTC.self,
      Hinge.self,
      Brier.self,
    ]

  private static let registry = TypeRegistry("loss", builtIn) { ($0.word, $0) }

  /// All losses that a configuration can name.
  package static var all: [any LossSpec.Type] { registry.all }

  /// Adds a loss of a program's own, which a configuration can name from then on.
  ///
  /// - Throws: ``RegistryError`` where another type has the same name.
  public static func register(_ spec: any LossSpec.Type) throws { try registry.register(spec) }
}
