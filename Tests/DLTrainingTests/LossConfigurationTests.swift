import DLConfiguration
import DLLayers
import DLTraining
import Foundation
import Testing

private let base = "data: {train: x}\nmodel: {name: lenet5}\n"

/// The words of losses: what they are read as, what they write back, their faults.
@Suite struct LossConfigurationTests {
  private func loss(_ text: String) throws -> LossConfiguration {
    try Configuration.load(yaml: base + "loss: \(text)").loss
  }

  @Test func readsOptionsUnderPyTorchsNames() throws {
    #expect(try Configuration.load(yaml: base).loss == LossConfiguration(CrossEntropy()))
    #expect(try loss("{mse: {}}") == LossConfiguration(MeanSquaredError()))
    for (text, want) in [
      (
        "{cross_entropy: {label_smoothing: 0.1, ignore_index: -100, weight: [1, 0.5]}}",
        LossConfiguration(CrossEntropy(weights: [1, 0.5], labelSmoothing: 0.1, ignoreIndex: -100))
      ),
      (
        "{nll: {ignore_index: 255}}",
        LossConfiguration(NegativeLogLikelihood(ignoreIndex: 255))
      ),
      ("{huber: {delta: 2}}", LossConfiguration(Huber(delta: 2))),
      ("{smooth_l1: {beta: 0}}", LossConfiguration(SmoothL1(beta: 0))),
      (
        "{bce_with_logits: {pos_weight: [2, 3]}}",
        LossConfiguration(BCEWithLogits(positiveWeights: [2, 3]))
      ),
      (
        "{multi_label_soft_margin: {weight: [2, 3]}}",
        LossConfiguration(MultiLabelSoftMargin(weights: [2, 3]))
      ),
      ("{focal: {gamma: 3, alpha: null}}", LossConfiguration(Focal(alpha: nil, gamma: 3))),
      ("{kl_div: {log_target: true}}", LossConfiguration(KLDivergence(logTarget: true))),
      (
        "{ctc: {blank: 2, zero_infinity: true}}",
        LossConfiguration(CTC(blank: 2, zeroInfinity: true))
      ),
    ] {
      #expect(try loss(text) == want, "\(text)")
    }
  }

  /// What a configuration writes loads as an equal one, with options and without.
  @Test(arguments: LossRegistry.builtIn.map { $0.word } + LossTrainingTests.cases.map(\.loss))
  func roundTrips(_ text: String) throws {
    let job = try Configuration.load(yaml: base + "loss: \(text)")
    let again = try Configuration.load(yaml: job.yaml())
    #expect(again == job && again.yaml() == job.yaml())
    let data = try JSONEncoder().encode(job)
    #expect(try JSONDecoder().decode(Configuration.self, from: data) == job)
    #expect(try loss("{\(job.loss.word): {}}") == loss(job.loss.word))
  }

  @Test func wordsAreDistinctAndInTheSchema() throws {
    let words = LossRegistry.all.map { $0.word }
    #expect(Set(words).count == words.count)
    let json = try JSONSerialization.jsonObject(with: Data(ConfigurationSchema.json().utf8))
    let properties = (json as? [String: Any])?["properties"] as? [String: Any]
    let loss = try #require(properties?["loss"] as? [String: Any])
    let choices = try #require(loss["anyOf"] as? [[String: Any]])
    #expect(choices.first?["enum"] as? [String] == words)
    #expect(choices.dropFirst().compactMap { $0["required"] as? [String] } == words.map { [$0] })
  }

  @Test(arguments: [
    ("crossentropy", "3:7: loss: unknown loss \"crossentropy\", did you mean cross_entropy?"),
    ("{mae: {delta: 1}}", "3:14: loss.mae.delta: unknown key, none is known"),
    ("{huber: {detla: 1}}", "3:16: loss.huber.detla: unknown key, did you mean delta?"),
    (
      "{huber: {delta: 0}}",
      "3:23: loss.huber.delta: expected a finite number of more than 0, found 0"
    ),
    (
      "{cross_entropy: {label_smoothing: 2}}",
      "3:41: loss.cross_entropy.label_smoothing: expected a finite number of at least 0 and at most 1, found 2"
    ),
    (
      "{cross_entropy: {weight: [1, -1]}}",
      "3:36: loss.cross_entropy.weight.1: expected a finite number of at least 0, found -1"
    ),
    (
      "{nll: {weight: [0, 0]}}",
      "3:22: loss.nll.weight: at least one class must have a weight above 0"
    ),
    (
      "{mse: {}, mae: {}}",
      "3:7: loss: expected a loss, as in mse or {huber: {delta: 2}}, found a mapping"
    ),
    ("3", "3:7: loss: expected a loss, as in mse or {huber: {delta: 2}}, found 3"),
  ])
  func faultsHaveTheirPlace(_ text: String, _ fault: String) {
    let error = #expect(throws: ConfigurationError.self) {
      try Configuration.load(yaml: base + "loss: \(text)", source: "job.yaml")
    }
    #expect(error?.lines == ["job.yaml:" + fault])
  }

  @Test func overridesReplaceAndExtend() throws {
    let text = base + "loss: {huber: {delta: 3}}"
    let other = try Configuration.load(yaml: text, overrides: ["loss=mae"])
    #expect(other.loss == LossConfiguration(MeanAbsoluteError()))
    let changed = try Configuration.load(yaml: text, overrides: ["loss.huber.delta=4"])
    #expect(changed.loss == LossConfiguration(Huber(delta: 4)))
  }
}
