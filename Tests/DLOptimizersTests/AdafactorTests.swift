import DLOptimizers
import DLTensor
import DLTestSupport
import Testing

/// Adafactor against PyTorch (scripts/golden/make_adafactor.py), and however it is shared out.
@Suite struct AdafactorTests {
  private struct Settings: Decodable {
    let beta2Decay, eps2, d, weightDecay: Double
    let eps1: Double?
  }

  private static let shapes = [("wide", 6, 10), ("tall", 12, 5), ("row", 1, 7), ("bias", 1, 9)]

  @Test(arguments: [DType.float64, .float32])
  func adafactor(dtype: DType) throws {
    let golden = try Golden<Settings>("adafactor")
    #expect(golden.cases.count >= 4)
    let places = layout(Self.shapes.map { $0.1 * $0.2 })
    let count = try #require(places.last?.upperBound)
    for (name, settings) in golden.cases {
      func spread(_ key: (String) -> String, row: Int = 0) throws -> [Double] {
        var result = [Double](repeating: 0, count: count)
        for ((tensor, _, _), place) in compared(Self.shapes, places) {
          let values = try golden.values(key(tensor))
          result.replaceSubrange(
            place, with: values[row * place.count..<(row + 1) * place.count])
        }
        return result
      }
      let rule = try Adafactor(
        beta2Decay: settings.beta2Decay, epsilon1: settings.eps1, epsilon2: settings.eps2,
        threshold: settings.d, weightDecay: settings.weightDecay)
      let update = ArenaUpdate(
        groups: [.init(rule: rule, learningRate: 1)],
        members: zipped(Self.shapes, places).map { shape, place in
          .init(
            place, group: 0,
            matrix: shape.0 == "bias" ? nil : MatrixShape(rows: shape.1, columns: shape.2))
        })
      let arena = Arena(dtype, parameters: try spread { "\(name)/in/\($0)" })
      let (relative, absolute) = dtype == .float64 ? (1e-12, 1e-14) : (1e-4, 1e-5)
      for (step, rate) in try golden.values("\(name)/in/rates").enumerated() {
        arena.gradients = try spread({ "\(name)/in/\($0)_grad" }, row: step)
        update(arena.slice, scalars: StepScalars(step: step + 1, learningRate: rate))
        guard golden.file["\(name)/f64/out/wide_\(step + 1)"] != nil else { continue }
        // PyTorch's float32 epsilon is another where it is not given.
        guard dtype == .float64 || settings.eps1 != nil || step == 0 else { continue }
        let want = try spread { "\(name)/f64/out/\($0)_\(step + 1)" }
        let isRight = isWithin(arena.parameters, want, relative: relative, absolute: absolute)
        #expect(isRight, "\(name), step \(step + 1), \(dtype)")
      }
      for ((tensor, _, _), place) in compared(Self.shapes, places) where tensor != "row" {
        let keys = tensor == "bias" ? ["variance"] : ["row_var", "col_var"]
        let want = try keys.flatMap { try golden.values("\(name)/f64/out/\($0)_\(tensor)") }
        let got = Array(arena.state[0][place].prefix(want.count))
        let isRight = isWithin(got, want, relative: relative, absolute: absolute)
        #expect(isRight, "\(name), \(tensor)")
        #expect(arena.state[0][place].dropFirst(want.count).allSatisfy { $0 == 0 })
      }
    }
  }

  /// A matrix and a vector whose blocks lie with two owners.
  @Test(arguments: [DType.float64, .float32])
  func ownersOfPartsComeToTheBitsOfTheWhole(dtype: DType) throws {
    let members: [ArenaUpdate.Member] = [
      .init(0..<40_000, group: 0, matrix: MatrixShape(rows: 200, columns: 200)),
      .init(40_000..<60_000, group: 0),
    ]
    let pieces = [0, 16_384, 56_384, 60_000]
    let rule = try Adafactor(weightDecay: 0.1)
    func plan(_ cuts: [Int]) -> ArenaUpdate {
      ArenaUpdate(
        groups: [.init(rule: rule, learningRate: 0.5)], members: members, cuts: cuts)
    }
    var numbers = Numbers(seed: 31)
    let start = numbers.array(60_000)
    let (whole, parts) = (Arena(dtype, parameters: start), Arena(dtype, parameters: start))
    let update = plan(Array(pieces[1...2]))
    #expect(plan([]).sumsPerStep == 0 && update.sumsPerStep == 1)
    for step in 1...3 {
      let gradients = numbers.array(60_000)
      (whole.gradients, parts.gradients) = (gradients, gradients)
      let scalars = StepScalars(step: step, learningRate: 1, gradientScale: 0.5)
      plan([])(whole.slice, scalars: scalars)
      func owned(_ arena: Arena, _ index: Int) -> [OwnedSlice] {
        let range = pieces[index]..<pieces[index + 1]
        return [OwnedSlice(arena.slice[range], at: range.lowerBound)]
      }
      // What each owner gives to the sum, found on a copy.
      let copy = Arena(dtype, parameters: parts.parameters, gradients: gradients)
      copy.take(parts)
      var total: [Double] = []
      for index in 0..<3 {
        update(owned(copy, index), scalars: scalars) { sums in
          if total.isEmpty { total = [Double](repeating: 0, count: sums.count) }
          for i in sums.indices {
            #expect(total[i] == 0 || sums[i] == 0)
            total[i] += sums[i]
          }
        }
      }
      for index in 0..<3 {
        update(owned(parts, index), scalars: scalars) { sums in
          _ = sums.update(fromContentsOf: total)
        }
      }
      #expect(whole.bits == parts.bits, "step \(step)")
    }
    #expect(whole.parameters != start)
  }
}
