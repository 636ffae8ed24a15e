import DLConfiguration
import DLFormats
import DLTensor
import DLTestSupport
import DLTraining
import Glibc
import Testing

/// Training on attacked inputs.
@Suite struct AdversarialTrainingTests {
  @Test func sectionIsWrittenWhereItIsUsedAlone() throws {
    let bench = try Workbench()
    let plain = try bench.configuration().yaml()
    #expect(!plain.contains("adversarial"))
    let used = try bench.configuration(["adversarial.epsilon=0.25"])
    #expect(used.yaml().contains("adversarial:"))
    #expect(used.adversarial?.epsilon == 0.25 && used.adversarial?.steps == 5)
  }

  @Test func faultsAreNamed() throws {
    let bench = try Workbench()
    let range = refusal { _ = try bench.configuration(["adversarial.range=[1, 0]"]) }
    #expect(range.contains("adversarial.range: give two ascending numbers, as [0, 1]"))
    let method = refusal { _ = try bench.configuration(["adversarial.method=cw"]) }
    #expect(method.contains("adversarial.method: unknown word \"cw\""))
  }

  /// Starts, shares and steps are keyed by rows: every number of ranks trains the same network.
  @Test(arguments: ["pgd", "fgsm"])
  func ranksAreOne(method: String) throws {
    let bench = try Workbench()
    let configuration = try bench.configuration([
      "adversarial.method=\(method)", "adversarial.epsilon=0.05", "adversarial.steps=2",
      "adversarial.share=0.7", "accumulate=2", "steps=4",
    ])
    let one = try train(configuration, bench.options("one"))[0]
    let three = try train(configuration, bench.options("three"), ranks: 3)
    for result in three { #expect(deviation(result.state, one.state) < 1e-9) }
    let plain = try train(bench.configuration(["accumulate=2", "steps=4"]), bench.options("plain"))
    #expect(plain[0].losses[0] != one.losses[0])
  }

  /// The attack sees inputs by the mean and deviation that the training set was found to have.
  @Test func normalizationMayBeFound() throws {
    let bench = try Workbench()
    let attack = ["adversarial.epsilon=0.05", "steps=3"]
    let found = try train(
      bench.configuration(attack + ["data.normalize=auto"]), bench.options("found"))[0]
    let resolved = try Configuration.load(path: "\(bench.path)/found/config.yaml")
    let normalize = try #require(resolved.data.normalize)
    #expect(normalize.mean.count == 2 && normalize.std.count == 2)
    let told = try train(
      bench.configuration(
        attack + ["data.normalize={mean: \(normalize.mean), std: \(normalize.std)}"]),
      bench.options("told"))[0]
    #expect(told.losses == found.losses && told.parameters == found.parameters)
  }

  /// A linear network's gradient by its inputs is a formula, and so is the attacked loss.
  @Test func firstLossIsThatOfAttackedRows() throws {
    let bench = try Workbench()
    var numbers = Numbers(seed: 5)
    let (rows, inputs, epsilon) = (12, 6, 0.125)
    let values = numbers.array(rows * inputs).map { Float($0) }
    let labels = (0..<rows).map { _ in Int32(numbers.below(3)) }
    try bench.writeTable(values, labels: labels)
    let configuration = try Configuration.load(
      yaml: """
        data: {train: table.safetensors, order: sequential, normalize: {mean: [0.5], std: [2]}}
        model: {layers: [{linear: {out: 3}}]}
        optimizer: {name: sgd, lr: 0}
        adversarial: {method: fgsm, epsilon: \(epsilon)}
        batch_size: \(rows)
        steps: 1
        precision: float64
        """, folder: bench.path, overrides: [])
    let result = try train(configuration, bench.options("run"))[0]
    let checkpoint = try SafetensorsFile(path: try #require(result.checkpoint))
    let weight = try checkpoint.doubles("0.weight")
    let bias = try checkpoint.doubles("0.bias")

    func probabilities(_ x: [Double]) -> [Double] {
      let scores = (0..<3).map { output in
        bias[output] + (0..<inputs).reduce(0) { $0 + weight[output * inputs + $1] * x[$1] }
      }
      let sum = scores.reduce(0) { $0 + exp($1) }
      return scores.map { exp($0) / sum }
    }
    var loss = 0.0
    for row in 0..<rows {
      let label = Int(labels[row])
      let pixels = values[row * inputs..<(row + 1) * inputs].map(Double.init)
      let p = probabilities(pixels.map { ($0 - 0.5) / 2 })
      let attacked = (0..<inputs).map { input in
        let slope = (0..<3).reduce(0) {
          $0 + (p[$1] - ($1 == label ? 1 : 0)) * weight[$1 * inputs + input] / 2
        }
        return pixels[input] + (slope > 0 ? epsilon : slope < 0 ? -epsilon : 0)
      }
      loss -= log(probabilities(attacked.map { ($0 - 0.5) / 2 })[label])
    }
    #expect(abs(result.losses[0] - loss / Double(rows)) < 1e-12)
  }

  @Test func tokensCannotBeAttacked() throws {
    let bench = try Workbench()
    try SafetensorsWriter.write(
      [
        SafetensorsTensor(name: "x", dtype: .int32, shape: [4, 3]) { sink in
          try [Int32](repeating: 1, count: 12).withUnsafeBytes { try sink($0) }
        },
        SafetensorsTensor(name: "y", dtype: .int32, shape: [4]) { sink in
          try [Int32](repeating: 0, count: 4).withUnsafeBytes { try sink($0) }
        },
      ], to: bench.path + "/tokens.safetensors")
    let configuration = try Configuration.load(
      yaml: """
        data: {train: tokens.safetensors, classes: 2}
        model: {layers: [{embedding: {entries: 4, size: 3}}, flatten, {linear: {out: 2}}]}
        adversarial: {}
        batch_size: 4
        steps: 1
        """, folder: bench.path, overrides: [])
    let message = refusal { try train(configuration, bench.options("run")) }
    #expect(message.hasPrefix("adversarial: the inputs are tokens"))
  }
}
