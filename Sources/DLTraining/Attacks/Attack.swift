import DLTensor

/// The size of a change of an input.
package enum AttackNorm: String, Sendable, CaseIterable {
  /// The Euclidean length.
  case l2
  /// The largest change of an element.
  case linf
}

/// The numbers that attacks go by; each takes those that it knows.
package struct AttackOptions: Sendable {
  /// The norm that measures the change.
  package var norm = AttackNorm.linf
  /// The size that the change may have, in the units of pixels.
  package var epsilon = 0.1
  /// Steps, or generations.
  package var steps = 10
  /// The length of a step; 2.5 epsilon / steps unless given, as Madry and others have it.
  package var stepSize: Double?
  /// True if labels are those to be reached, and not those to be left.
  package var isTargeted = false
  /// The lead that the wrong class is to have over the others (Carlini and Wagner's kappa).
  package var confidence = 0.0
  /// Values of Carlini and Wagner's constant that are tried.
  package var searchSteps = 6
  /// Pixels that may change.
  package var pixels = 1
  /// Candidates of a generation.
  package var population = 100

  package init() {}

  /// The length of a step.
  var stepLength: Double { stepSize ?? 2.5 * epsilon / Double(max(steps, 1)) }
}

/// A number that some attacks go by, by its option's name.
package enum AttackOption: String, Sendable, CaseIterable {
  case steps, confidence, pixels, population
  case stepSize = "step-size"
}

/// Inputs to be changed.
package struct AttackRows {
  /// The inputs before normalization, `[rows, ...]`, in the network's precision.
  package let pixels: Tensor
  /// Int32 `[rows]`, the classes to be left, or those to be reached; values for other losses.
  package let labels: Tensor
  /// A key for each row's random numbers, which does not depend on the ranks.
  package let keys: [RandomKey]

  /// Makes rows.
  package init(pixels: Tensor, labels: Tensor, keys: [RandomKey]) {
    self.pixels = pixels
    self.labels = labels
    self.keys = keys
  }
}

/// The rows of all ranks, for an attack that makes one change for all of them.
package protocol AttackField {
  /// The shape of one row.
  var shape: Shape { get }
  /// The sum of vectors over the rows of all ranks, the same bits on each; collective.
  ///
  /// - Parameter body: the sum over some rows, float64 `[count]`.
  func sum(_ count: Int, _ body: (AttackRows) throws -> Tensor) throws -> Tensor
}

/// A way to change inputs so that a network is mistaken about them.
///
/// A new one is a file and a line in ``Attacks``.
package protocol Attack: Sendable {
  /// Its name on the command line and in a configuration.
  static var word: String { get }
  /// The norms that it knows.
  static var norms: [AttackNorm] { get }
  /// True if it makes a change of a given size; others look for the smallest one.
  static var takesEpsilon: Bool { get }
  /// True if it can lead to a class that is given.
  static var canTarget: Bool { get }
  /// Steps unless a number is given.
  static var defaultSteps: Int { get }
  /// The numbers of ``AttackOptions`` beside norm and size that it goes by.
  static var knownOptions: Set<AttackOption> { get }

  /// Makes the attack.
  init(_ options: AttackOptions)

  /// Looks at the rows of all ranks before any are changed; collective.
  mutating func learn(from field: any AttackField, _ network: AttackedNetwork) throws

  /// The changed inputs, within the network's range.
  func perturbed(_ rows: AttackRows, _ network: AttackedNetwork) throws -> Tensor
}

extension Attack {
  /// Has nothing to learn.
  package mutating func learn(from field: any AttackField, _ network: AttackedNetwork) throws {}
  /// Both.
  package static var norms: [AttackNorm] { [.linf, .l2] }
  /// It is given one.
  package static var takesEpsilon: Bool { true }
  /// It can.
  package static var canTarget: Bool { true }
  /// Ten.
  package static var defaultSteps: Int { 10 }
  /// Steps alone.
  package static var knownOptions: Set<AttackOption> { [.steps] }
}

/// The known attacks.
package enum Attacks {
  /// All of them: a new one adds its line here.
  package static var all: [any Attack.Type] {
    [
      FastGradientSign.self,
      IteratedGradientSign.self,
      ProjectedGradient.self,
      CarliniWagner.self,
      DeepFool.self,
      OnePixel.self,
      UniversalPerturbation.self,
    ]
  }

  /// The attack of a name; nil for none.
  package static func named(_ word: String) -> (any Attack.Type)? {
    all.first { $0.word == word }
  }
}
