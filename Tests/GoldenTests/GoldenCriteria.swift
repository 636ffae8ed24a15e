import DLLayers
import DLTensor
import DLTestSupport
import Testing

extension GoldenCase {
  /// The runner of a loss that is a value of its own; it checks the denominator too.
  func criterion() throws -> OpRunner? {
    switch op {
    case "cosine_embedding":
      let loss = CosineEmbedding(margin: try number("margin"))
      return { golden, inputs in
        try golden.expectDenominator(loss.denominator(inputs.get("labels")))
        return [
          "y": try loss.sum(inputs.get("x"), inputs.get("other"), labels: inputs.get("labels"))
        ]
      }
    case "triplet_margin":
      let loss = TripletMargin(
        margin: try number("margin"), eps: try number("eps"), swap: flag("swap"))
      return { golden, inputs in
        let x = try inputs.get("x")
        try golden.expectDenominator(loss.denominator(x))
        return [
          "y": try loss.sum(
            x, positive: inputs.get("positive"), negative: inputs.get("negative"))
        ]
      }
    default:
      guard let loss = try loss() else { return nil }
      return { golden, inputs in
        let target = try inputs["labels"] ?? inputs.get("target")
        try golden.expectDenominator(loss.denominator(target))
        return ["y": try loss.sum(inputs.get("x"), target)]
      }
    }
  }

  /// The loss of prediction and target that this case's options name.
  private func loss() throws -> (any Loss)? {
    let weights = try options["weights"].flatMap { $0 == .null ? nil : try $0.numbers() }
    let ignoreIndex = options["ignore_index"]?.int.map { Int32($0) }
    switch op {
    case "mae": return MeanAbsoluteError()
    case "huber": return Huber(delta: try number("delta"))
    case "smooth_l1": return SmoothL1(beta: try number("beta"))
    case "bce": return BinaryCrossEntropy()
    case "kl_divergence": return KLDivergence(logTarget: flag("log_target"))
    case "nll": return NegativeLogLikelihood(weights: weights, ignoreIndex: ignoreIndex)
    case "cross_entropy_options":
      return CrossEntropy(
        weights: weights, labelSmoothing: try number("label_smoothing"), ignoreIndex: ignoreIndex)
    case "multi_label_soft_margin": return MultiLabelSoftMargin(weights: weights)
    case "bce_with_positive_weights": return BCEWithLogits(positiveWeights: weights)
    case "focal": return Focal(alpha: options["alpha"]?.double, gamma: try number("gamma"))
    case "dice": return Dice(smooth: try number("smooth"))
    default: return nil
    }
  }

  private func expectDenominator(_ got: Double) throws {
    #expect(try got == number("denominator"), "\(self)")
  }
}
