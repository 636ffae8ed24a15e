import DLConfiguration

extension AttackNorm: ConfigurationWord {}

/// Training on inputs that are attacked with the weights at hand.
///
/// Madry et al. 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks"; with fgsm
/// Goodfellow et al. 2015, section 6.
package struct AdversarialConfiguration: ConfigurationSection {
  /// The attacks that a training step can make.
  package enum Method: String, ConfigurationWord { case fgsm, ifgsm, pgd }

  /// The attack.
  package var method = Method.pgd
  /// The norm that measures changes.
  package var norm = AttackNorm.linf
  /// The size of changes, in the units of inputs before normalization.
  package var epsilon = 0.1
  /// Steps of the attack.
  package var steps = 5
  /// The length of a step; nil for 2.5 epsilon / steps.
  package var stepSize: Double?
  /// The share of rows that are attacked.
  package var share = 1.0
  /// The least and the largest value of inputs; nil for 0 and 1 of bytes, and none of others.
  package var range: [Double]?

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("method", \.method, "attack on the inputs of each step"),
      .init("norm", \.norm, "how changes are measured: linf, or l2 of a whole row"),
      .init("epsilon", \.epsilon, .above(0), "size of changes, in units before normalization"),
      .init("steps", \.steps, .within(1...1000), "steps of ifgsm and pgd"),
      .init("step_size", \.stepSize, .above(0), "length of a step; null for 2.5 epsilon / steps"),
      .init("share", \.share, .within(0...1), "share of rows that are attacked"),
      .init(
        "range", \.range, ConfigurationRule.none.count(2),
        "least and largest value of inputs; null for 0 and 1 of bytes, and none of others"),
    ]
  }

  /// Bounds that leave no value.
  package func problems() -> [ConfigurationProblem] {
    guard let range, !(range[0] < range[1]) else { return [] }
    return [.init("range", message: "give two ascending numbers, as [0, 1]")]
  }
}
