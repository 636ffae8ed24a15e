import DLData
import DLFormats
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// The loss of mixed rows, against rows that were mixed beforehand, with probabilities as labels.
@Suite struct MixedLossTests {
  private func yaml(_ file: String, _ mix: String) -> String {
    """
    seed: 9
    data: {train: \(file).safetensors, order: sequential, normalize: {mean: [0.5], std: [2]}\(mix)}
    model: {layers: [{linear: {out: 6}}, tanh, {linear: {out: 3}}]}
    loss: {cross_entropy: {label_smoothing: 0.1}}
    optimizer: {name: sgd, lr: 0.2}
    batch_size: 5
    steps: 6
    precision: float64
    """
  }

  @Test(arguments: [1, 2]) func crossEntropyIsThatOfMixedLabels(ranks: Int) throws {
    let bench = try Workbench()
    var stream = RandomStream(RandomKey(2))
    let rows = 10
    let x = (0..<rows * 4).map { _ in Float(stream.uniform()) }
    let labels = (0..<rows).map { _ in Int32(stream.upTo(3)) }
    try bench.writeTable(x, labels: labels)
    // Each epoch is mixed by other weights: one file for all three, of as many epochs.
    let table = try TensorFileDataset(path: "\(bench.path)/table.safetensors")
    let mixing = try BatchMixing(
      mixup: 1, cutmix: nil, probability: 1, of: table, seed: 9)
    var (mixed, targets): ([Float], [Float]) = ([], [])
    for step in 0..<6 {
      let weight = try #require(mixing.draw(epoch: step / 2, step: step % 2)).weight
      for row in 0..<5 {
        let (own, other) = (step % 2 * 5 + row, step % 2 * 5 + (row + 4) % 5)
        for column in 0..<4 {
          mixed.append(
            Float(
              weight * Double(x[own * 4 + column]) + (1 - weight) * Double(x[other * 4 + column])))
        }
        for label in 0..<3 {
          targets.append(
            Float(
              (labels[own] == label ? weight : 0) + (labels[other] == label ? 1 - weight : 0)))
        }
      }
    }
    let path = "\(bench.path)/mixed.safetensors"
    try SafetensorsWriter.write(
      [
        SafetensorsTensor(name: "x", dtype: .float32, shape: [30, 4]) { sink in
          try mixed.withUnsafeBytes { try sink($0) }
        },
        SafetensorsTensor(name: "y", dtype: .float32, shape: [30, 3]) { sink in
          try targets.withUnsafeBytes { try sink($0) }
        },
      ], to: path)
    func losses(_ yaml: String, _ name: String, ranks: Int) throws -> [Double] {
      try train(
        Configuration.load(yaml: yaml, folder: bench.path), bench.options(name), ranks: ranks)[0]
        .losses
    }
    let before = try losses(yaml("mixed", ""), "before", ranks: 1)
    let here = try losses(yaml("table", ", mix: {mixup: 1}"), "here", ranks: ranks)
    #expect(before.count == 6 && deviation(here, before) < 1e-6, "\(here) \(before)")
    let plain = try losses(yaml("table", ""), "plain", ranks: ranks)
    #expect(deviation(here, plain) > 1e-3)
  }

  @Test func whatCannotBeMixedIsRefused() throws {
    let bench = try Workbench()
    for (overrides, word) in [
      (["data.mix={mixup: 0.2}", "adversarial={method: fgsm, epsilon: 0.1}"], "adversarial"),
      (["data.mix={}"], "mixup"), (["data.mix={mixup: 0}"], "mixup"),
      (["data.images={size: 4}"], "images"),
      (["data.augment=[color_jitter]"], "augment"), (["data.workers=-1"], "workers"),
    ] {
      do {
        _ = try train(bench.configuration(overrides), bench.options("refused"))
        Issue.record("\(overrides) is accepted")
      } catch { #expect("\(error)".contains(word), "\(error)") }
    }
  }
}
