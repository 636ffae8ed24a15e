import DLCluster
import DLLayers
import DLTensor
import Testing

/// Dropout's mask is a function of seed, step, layer, call, row and element.
@Suite struct DropoutTests {
  private func mask(
    seed: UInt64 = 1, step: Int = 0, first: Int = 0, rows: Int = 40, calls: Int = 1,
    isTraining: Bool = true
  ) throws -> [[Double]] {
    let context = Context(precision: .float64, seed: seed)
    context.isTraining = isTraining
    context.step = step
    let layers = [Dropout(p: 0.25), Dropout(p: 0.25)]
    _ = try ParameterArena(Sequential(layers), context: context)
    context.beginForward(rowOffset: first)
    let x = try Tensor.full([rows, 10], 1, context: context)
    return try (0..<calls).map { _ in try layers[0](x).doubles } + [layers[1](x).doubles]
  }

  @Test func scalesWhatItKeeps() throws {
    let values = try mask(rows: 400)[0]
    let kept = values.filter { $0 != 0 }
    #expect(kept.allSatisfy { abs($0 - 4 / 3) < 1e-15 })
    #expect(abs(Double(kept.count) / Double(values.count) - 0.75) < 0.03)
    #expect(try mask(isTraining: false)[0].allSatisfy { $0 == 1 })
  }

  @Test func rowsKeepTheirMaskWhereverTheyLie() throws {
    let whole = try mask()[0]
    for (first, rows) in [(0, 7), (7, 30), (37, 3), (40, 0)] {
      let part = try mask(first: first, rows: rows)[0]
      #expect(part == Array(whole[first * 10..<(first + rows) * 10]))
    }
  }

  @Test func allElseChangesIt() throws {
    let base = try mask(calls: 2)
    #expect(base[0] != base[1] && base[0] != base[2] && base[1] != base[2])
    #expect(try mask(seed: 2)[0] != base[0])
    #expect(try mask(step: 1)[0] != base[0])
    #expect(try mask()[0] == base[0])
  }
}
