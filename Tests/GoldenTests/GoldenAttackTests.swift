import DLCluster
import DLFormats
import DLLayers
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// Attacks against the same in PyTorch: the class of each changed image and the size of its change
/// (scripts/golden/make_attacks.py).
@Suite struct GoldenAttackTests {
  /// One case of the script.
  struct Case: CustomStringConvertible {
    let description: String
    let type: any Attack.Type
    let change: @Sendable (inout AttackOptions) -> Void

    init(
      _ description: String, _ type: any Attack.Type,
      _ change: @escaping @Sendable (inout AttackOptions) -> Void = { _ in }
    ) {
      self.description = description
      self.type = type
      self.change = change
    }

    var options: AttackOptions {
      var options = AttackOptions()
      options.steps = type.defaultSteps
      options.norm = description.contains("l2") ? .l2 : .linf
      options.isTargeted = description.contains("targeted")
      change(&options)
      return options
    }
  }

  private static let cases = [
    Case("fgsm linf", FastGradientSign.self) { $0.epsilon = 0.1 },
    Case("fgsm l2", FastGradientSign.self) { $0.epsilon = 0.8 },
    Case("fgsm linf targeted", FastGradientSign.self) { $0.epsilon = 0.2 },
    Case("ifgsm linf", IteratedGradientSign.self) { $0.epsilon = 0.1 },
    Case("ifgsm l2", IteratedGradientSign.self) { $0.epsilon = 0.6 },
    Case("pgd linf", ProjectedGradient.self) { $0.epsilon = 0.1 },
    Case("pgd l2", ProjectedGradient.self) { $0.epsilon = 0.6 },
    Case("pgd linf targeted", ProjectedGradient.self) { $0.epsilon = 0.15 },
    Case("deepfool l2", DeepFool.self),
    Case("deepfool linf", DeepFool.self),
    Case("cw l2", CarliniWagner.self) { ($0.steps, $0.searchSteps) = (40, 4) },
    Case("cw l2 targeted", CarliniWagner.self) {
      ($0.steps, $0.searchSteps, $0.confidence) = (40, 3, 0.5)
    },
    Case("one_pixel", OnePixel.self) { ($0.steps, $0.population) = (8, 12) },
    Case("one_pixel targeted", OnePixel.self) {
      ($0.steps, $0.population, $0.pixels) = (6, 10, 3)
    },
    Case("universal linf", UniversalPerturbation.self) { ($0.epsilon, $0.steps) = (0.15, 10) },
    Case("universal l2", UniversalPerturbation.self) { ($0.epsilon, $0.steps) = (1.5, 10) },
  ]

  /// The rows of a batch for an attack that learns from all of them.
  private struct Rows: AttackField {
    let rows: AttackRows
    var shape: Shape { rows.pixels.shape.dropFirst() }
    func sum(_ count: Int, _ body: (AttackRows) throws -> Tensor) throws -> Tensor {
      try body(rows)
    }
  }

  @Test func eachImageFaresAsInPyTorch() throws {
    let golden = try GoldenRun(
      "attacks", model: "{name: digits_cnn}", data: ", normalize: {mean: [0.3], std: [0.37]}")
    let file = golden.file
    let trained = try LoadedNetwork(
      LoadedRun(golden.path), precision: .float64, communicator: SingleRank())
    try golden.load(into: trained.arena)
    let context = trained.context
    let network = try AttackedNetwork(
      trained.task, trained.configuration, inputs: .uint8, range: 0...1, context: context)
    let (x, y) = (try file.info("x"), try file.doubles("y"))
    let pixels = try Tensor.values(
      try file.doubles("x").map { $0 / 255 }, shape: Shape(x.shape), context: context)
    let keys = y.indices.map { RandomKey(1).child("attack").child($0) }
    let before = try network.outputs(pixels).argmax().doubles
    let wantedBefore = try file.doubles("before")
    #expect(before == wantedBefore)

    for one in nonEmpty(Self.cases) {
      let options = one.options
      let labels = options.isTargeted ? y.map { _ in Int32(3) } : y.map { Int32($0) }
      let rows = AttackRows(
        pixels: pixels, labels: try .labels(labels, context: context), keys: keys)
      var attack = one.type.init(options)
      let changed = try network.attacked {
        try attack.learn(from: Rows(rows: rows), network)
        return try attack.perturbed(rows, network)
      }
      let classes = try network.outputs(changed).argmax().doubles
      let wanted = try file.doubles("\(one)/class")
      #expect(classes == wanted, "\(one)")
      for norm in AttackNorm.allCases {
        let sizes = try norm.sizes(of: changed - pixels)
        let worst = deviation(sizes, try file.doubles("\(one)/\(norm.rawValue)"))
        #expect(worst < 1e-8, "\(one) \(norm): \(worst)")
      }
    }
    // The weights can learn again, and nothing was left on the tape.
    let learning = trained.arena.parameters.filter(\.requiresGradient)
    #expect(learning.count == trained.arena.parameters.count)
  }
}
