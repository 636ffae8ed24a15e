import DLFormats
import DLOptimizers
import DLTensor
import DLTestSupport
import Foundation
import Testing

/// The update rules, schedules and clipping against PyTorch (scripts/golden/make_optimizers.py).
@Suite struct GoldenOptimizerTests {
  @Test(arguments: [DType.float64, .float32])
  func updateRules(dtype: DType) throws {
    let golden = try Golden<Settings>("optimizers")
    #expect(golden.cases.count >= 38)
    let (relative, absolute) = dtype == .float64 ? (1e-9, 0) : (1e-4, 1e-5)
    for (name, settings) in golden.cases {
      let rule = try settings.rule()
      let rates = try golden.values("\(name)/in/lr")
      let w = try golden.values("\(name)/in/w")
      let b = try golden.values("\(name)/in/b")
      let wGradients = try golden.values("\(name)/in/w_grad")
      let bGradients = try golden.values("\(name)/in/b_grad")
      let arena = Arena(dtype, parameters: w + b)
      for step in 1...rates.count {
        let wRow = wGradients[(step - 1) * w.count..<step * w.count]
        let bRow = bGradients[(step - 1) * b.count..<step * b.count]
        arena.gradients = Array(wRow) + Array(bRow)
        let scale = settings.clipNorm.map {
          GradientClipping.scale(norm: norm(arena.gradients), maxNorm: $0)
        }
        rule.update(
          arena.slice,
          scalars: StepScalars(
            step: step, learningRate: rates[step - 1], gradientScale: scale ?? 1))
        guard golden.file["\(name)/f64/out/w_\(step)"] != nil else { continue }
        let want =
          try golden.values("\(name)/f64/out/w_\(step)")
          + golden.values("\(name)/f64/out/b_\(step)")
        let isRight = isWithin(arena.parameters, want, relative: relative, absolute: absolute)
        #expect(isRight, "\(name), step \(step)")
      }
      for (index, state) in rule.stateNames.enumerated() {
        let want =
          try golden.values("\(name)/f64/out/\(state)_w")
          + golden.values("\(name)/f64/out/\(state)_b")
        let isRight = isWithin(arena.state[index], want, relative: relative, absolute: absolute)
        #expect(isRight, "\(name), \(state)")
      }
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func clipping(dtype: DType) throws {
    let golden = try Golden<Settings>("clipping")
    #expect(golden.cases.count >= 6)
    let (relative, absolute) = dtype == .float64 ? (1e-9, 0) : (1e-4, 1e-5)
    for (name, settings) in golden.cases {
      let gradients = try golden.values("\(name)/in/a") + golden.values("\(name)/in/b")
      let want = try golden.values("\(name)/f64/out/a") + golden.values("\(name)/f64/out/b")
      let scale = GradientClipping.scale(
        norm: norm(gradients), maxNorm: try #require(settings.maxNorm))
      let moved = try stepped(gradients, rate: 1, scale: scale, dtype)
      #expect(isWithin(moved, want, relative: relative, absolute: absolute), "\(name)")
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func schedules(dtype: DType) throws {
    let golden = try Golden<Settings>("schedules")
    #expect(golden.cases.count >= 64)
    for (name, settings) in golden.cases {
      let schedule = try settings.schedule()
      let want = try golden.values("\(name)/f64/out/lr")
      let rates = want.indices.map { (settings.lr ?? 0) * schedule.multiplier(step: $0) }
      #expect(isWithin(rates, want, relative: 1e-9, absolute: 1e-14), "\(name)")
      try checkRates(rates, want, dtype, name)
    }
  }

  private func norm(_ values: [Double]) -> Double {
    values.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }
}

/// How far a plain step moves parameters against these gradients.
func stepped(_ gradients: [Double], rate: Double, scale: Double = 1, _ dtype: DType) throws
  -> [Double]
{
  let arena = Arena(
    dtype, parameters: [Double](repeating: 0, count: gradients.count), gradients: gradients)
  try SGD().update(
    arena.slice, scalars: StepScalars(step: 1, learningRate: rate, gradientScale: scale))
  return arena.parameters.map { -$0 }
}

/// Compares rates as they reach parameters of a precision.
func checkRates(_ rates: [Double], _ want: [Double], _ dtype: DType, _ name: String) throws {
  let moved = try rates.flatMap { try stepped([1], rate: $0, dtype) }
  let (relative, absolute) = dtype == .float64 ? (1e-9, 1e-14) : (1e-4, 1e-5)
  #expect(isWithin(moved, want, relative: relative, absolute: absolute), "\(name), \(dtype)")
}

/// A golden file and the settings of its cases.
struct Golden<Settings: Decodable> {
  let file: SafetensorsFile
  let cases: [(String, Settings)]

  init(_ name: String) throws {
    file = try SafetensorsFile(path: golden("\(name).safetensors", of: "GoldenTests"))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    cases = try file.metadata.sorted { $0.key < $1.key }.map {
      ($0.key, try decoder.decode(Settings.self, from: Data($0.value.utf8)))
    }
  }

  func values(_ name: String) throws -> [Double] {
    try file.doubles(name)
  }
}
