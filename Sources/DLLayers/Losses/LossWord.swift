import DLConfiguration

/// A loss that a configuration can name: its properties are the options of its word.
///
/// ``LossConfiguration/words`` lists it.
public protocol LossWord: Loss, ConfigurationOption {}

extension LossWord {
  /// No options.
  public static var fields: [ConfigurationField<Self>] { [] }
}

extension LossConfiguration {
  /// The loss words: a new loss of one prediction and one target adds its own here.
  public static var words: [any LossWord.Type] {
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
      KLDivergence.self,
      CTC.self,
    ]
  }
}
