import DLTestSupport
import DLTraining
import Testing

/// A decoder that is trained on its own choices now and then.
@Suite struct ScheduledSamplingTests {
  private func losses(_ bench: TaskBench, _ name: String, _ options: String) throws -> [Double] {
    let configuration = try Configuration.load(
      yaml: """
        data: {train: pairs/pairs.safetensors}
        model: {name: seq2seq, width: 8, dropout: 0, \(options)}
        optimizer: {name: adam, lr: 0.01}
        batch_size: 6
        steps: 6
        precision: float64
        """, folder: bench.path)
    return try train(configuration, bench.options(name))[0].losses
  }

  @Test func theShareGrowsFromNothing() throws {
    let bench = try TaskBench()
    let plain = try losses(bench, "plain", "sampling: 0, sampling_steps: 3")
    #expect(try losses(bench, "absent", "beam: 4") == plain)
    let grown = try losses(bench, "grown", "sampling: 1, sampling_steps: 1000000000")
    // So small a share replaces nothing.
    #expect(grown == plain)
    let whole = try losses(bench, "whole", "sampling: 1")
    #expect(whole[0] != plain[0])
    let soon = try losses(bench, "soon", "sampling: 1, sampling_steps: 1")
    #expect(soon[0] == plain[0] && soon[1] != plain[1])
  }
}
