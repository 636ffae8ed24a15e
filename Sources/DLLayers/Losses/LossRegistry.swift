/// The losses that `loss` can name.
public enum LossRegistry {
  /// The library's losses: a new loss of one prediction and one target adds itself here.
  public static var specs: [any LossSpec.Type] {
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
