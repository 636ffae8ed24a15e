import DLFormats
import DLOptimizers
import DLTensor
import DLTestSupport
import Testing

/// What wraps a step or goes by whole tensors, against PyTorch or the paper's algorithm
/// (scripts/golden/make_training.py).
@Suite struct GoldenTrainingTests {
  static let tolerances: [DType: (relative: Double, absolute: Double)] = [
    .float64: (1e-9, 1e-15), .float32: (1e-4, 1e-5),
  ]

  private func check(
    _ got: [Double], _ golden: Golden<TrainingSettings>, _ name: String, _ dtype: DType
  ) throws {
    let (relative, absolute) = try #require(Self.tolerances[dtype])
    let isRight = isWithin(got, try golden.values(name), relative: relative, absolute: absolute)
    #expect(isRight, "\(name), \(dtype)")
  }

  @Test(arguments: [DType.float64, .float32])
  func groups(dtype: DType) throws {
    let golden = try Golden<TrainingSettings>("groups")
    #expect(golden.cases.count >= 14)
    let names = ["a", "b", "c", "d"]
    for (name, settings) in golden.cases {
      let starts = try names.map { try golden.values("\(name)/in/\($0)") }
      let gradients = try names.map { try golden.values("\(name)/in/\($0)_grad") }
      let rates = try golden.values("\(name)/in/rates")
      let update = try settings.update(starts.map(\.count))
      let places = update.members.map(\.range)
      let arena = Arena(dtype, parameters: spread(starts, places))
      for step in 1...rates.count {
        arena.gradients = spread(
          gradients.map { rows in
            let width = rows.count / rates.count
            return Array(rows[(step - 1) * width..<step * width])
          }, places)
        for range in update.frozenRanges { arena.clearGradients(range) }
        var scale = 1.0
        if let limit = settings.clipNorm {
          let norm = arena.gradients.reduce(0) { $0 + $1 * $1 }.squareRoot()
          scale = GradientClipping.scale(norm: norm, maxNorm: limit)
        }
        if let limit = settings.clipValue {
          GradientClipping.clip(arena.slice, maxValue: limit)
        }
        update(
          arena.slice,
          scalars: StepScalars(step: step, learningRate: rates[step - 1], gradientScale: scale))
        guard golden.file["\(name)/f64/out/a_\(step)"] != nil else { continue }
        for (tensor, place) in compared(names, places) {
          try check(
            Array(arena.parameters[place]), golden, "\(name)/f64/out/\(tensor)_\(step)", dtype)
        }
      }
      for (index, state) in update.stateNames.enumerated() {
        for (tensor, place) in compared(names, places) {
          let key = "\(name)/f64/out/\(state)_\(tensor)"
          // A frozen tensor has no state in PyTorch, and zeros here.
          if golden.file[key] == nil {
            #expect(arena.state[index][place].allSatisfy { $0 == 0 })
          } else {
            try check(Array(arena.state[index][place]), golden, key, dtype)
          }
        }
      }
      let gaps = Set(0..<arena.count).subtracting(places.flatMap { Array($0) })
      #expect(gaps.allSatisfy { arena.parameters[$0] == 0 && arena.state[0][$0] == 0 }, "\(name)")
    }
  }

  private func spread(_ tensors: [[Double]], _ places: [Range<Int>]) -> [Double] {
    var result = [Double](repeating: 0, count: places.last?.upperBound ?? 0)
    for (tensor, place) in compared(tensors, places) { result.replaceSubrange(place, with: tensor) }
    return result
  }

  @Test(arguments: [DType.float64, .float32])
  func averages(dtype: DType) throws {
    let golden = try Golden<TrainingSettings>("averages")
    #expect(golden.cases.count >= 7)
    for (name, settings) in golden.cases {
      let start = try golden.values("\(name)/in/w")
      let gradients = try golden.values("\(name)/in/w_grad")
      let arena = Arena(dtype, parameters: start)
      let slice = arena.slice
      let rule = try SGD(momentum: #require(settings.momentum))
      let average: WeightAverage? =
        switch settings.op {
        case "ema":
          try WeightAverage(
            .exponential(decay: #require(settings.decay)), count: start.count, dtype: dtype)
        case "swa": try WeightAverage(.equal, count: start.count, dtype: dtype)
        default: nil
        }
      let lookahead = try settings.k.map {
        try Lookahead(
          steps: $0, alpha: #require(settings.alpha), count: start.count, dtype: dtype)
      }
      lookahead?.start([OwnedSlice(slice, at: 0)])
      for step in 1...gradients.count / start.count {
        arena.gradients = Array(gradients[(step - 1) * start.count..<step * start.count])
        rule.update(
          slice, scalars: StepScalars(step: step, learningRate: try #require(settings.lr)))
        average?.update(slice.parameters)
        lookahead?.didStep(step, [OwnedSlice(slice, at: 0)])
        guard golden.file["\(name)/f64/out/w_\(step)"] != nil else { continue }
        try check(arena.parameters, golden, "\(name)/f64/out/w_\(step)", dtype)
        let mean = try #require(average?.values ?? lookahead?.slow)
        try check(mean.doubles, golden, "\(name)/f64/out/average_\(step)", dtype)
      }
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func lbfgs(dtype: DType) throws {
    let golden = try Golden<TrainingSettings>("lbfgs")
    #expect(golden.cases.count >= 9)
    for (name, settings) in golden.cases {
      guard dtype == .float64 || settings.only64 != true else { continue }
      let arena = Arena(dtype, parameters: try golden.values("\(name)/in/x"))
      let problem = try problem(golden, name, settings)
      var method = try LBFGS(settings.lbfgs(), count: arena.count, dtype: dtype)
      var (points, losses, counts) = ([Double](), [Double](), [Double]())
      for call in 0..<(try #require(settings.calls)) {
        if call == 2 {
          // A run that goes on from a file makes the same steps.
          let again = try LBFGS(settings.lbfgs(), count: arena.count, dtype: dtype)
          try again.restore(method.savedNumbers)
          for (mine, theirs) in compared(again.savedVectors, method.savedVectors) {
            #expect(mine.name == theirs.name)
            mine.vector.copy(theirs.vector.pointer)
          }
          #expect(again.savedVectors.count == method.savedVectors.count)
          method = again
        }
        losses.append(
          try method.step(arena.slice) {
            let (loss, gradient) = try problem.value(arena.parameters)
            arena.gradients = gradient
            return loss
          })
        points += arena.parameters
        counts += [
          method.savedNumbers["n_iter"] ?? -1, method.savedNumbers["func_evals"] ?? -1,
        ]
      }
      #expect(counts == (try golden.values("\(name)/f64/out/counts")), "\(name), \(dtype)")
      try check(points, golden, "\(name)/f64/out/x", dtype)
      try check(losses, golden, "\(name)/f64/out/loss", dtype)
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func sharpnessAwareness(dtype: DType) throws {
    let golden = try Golden<TrainingSettings>("sam")
    #expect(golden.cases.count >= 4)
    for (name, settings) in golden.cases {
      let arena = Arena(dtype, parameters: try golden.values("\(name)/in/x"))
      let problem = try problem(golden, name, settings)
      let sam = try SharpnessAwareness(
        rho: #require(settings.rho), count: arena.count, dtype: dtype)
      let rule = try settings.rule(#require(settings.rule))
      var losses: [Double] = []
      for step in 1...20 {
        let here = try problem.value(arena.parameters)
        losses.append(here.loss)
        arena.gradients = here.gradient
        sam.ascend(arena.slice)
        arena.gradients = try problem.value(arena.parameters).gradient
        sam.descend(arena.slice)
        rule.update(
          arena.slice, scalars: StepScalars(step: step, learningRate: try #require(settings.lr)))
        guard golden.file["\(name)/f64/out/x_\(step)"] != nil else { continue }
        try check(arena.parameters, golden, "\(name)/f64/out/x_\(step)", dtype)
      }
      try check(losses, golden, "\(name)/f64/out/losses", dtype)
    }
  }

  private func problem(
    _ golden: Golden<TrainingSettings>, _ name: String, _ settings: TrainingSettings
  ) throws -> Problem {
    let constants = try (0..<2).compactMap { index in
      golden.file["\(name)/in/constant_\(index)"] == nil
        ? nil : try golden.values("\(name)/in/constant_\(index)")
    }
    return Problem(name: try #require(settings.problem), constants: constants)
  }

  @Test(arguments: [DType.float64, .float32])
  func averagingSchedules(dtype: DType) throws {
    struct Case: Decodable {
      let lr, swaLr: Double
      let start, steps: Int
    }
    let golden = try Golden<Case>("averaging_schedules")
    #expect(golden.cases.count == 4)
    for (name, settings) in golden.cases {
      let schedule = AveragingSchedule(
        ConstantSchedule(), start: settings.start, factor: settings.swaLr / settings.lr,
        steps: settings.steps)
      let want = try golden.values("\(name)/f64/out/lr")
      let rates = want.indices.map { settings.lr * schedule.multiplier(step: $0) }
      #expect(isWithin(rates, want, relative: 1e-9, absolute: 0), "\(name)")
      try checkRates(rates, want, dtype, name)
      #expect(schedule.multiplier(step: .max) == settings.swaLr / settings.lr)
      #expect(schedule.multiplier(step: .min) == 1)
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func plateau(dtype: DType) throws {
    let golden = try Golden<TrainingSettings>("plateau")
    #expect(golden.cases.count >= 9)
    for (name, settings) in golden.cases {
      var reduction = try settings.plateau()
      let rates = try golden.values("\(name)/in/metrics").map { value in
        reduction.observe(value)
        return try #require(settings.lr) * reduction.multiplier
      }
      let want = try golden.values("\(name)/f64/out/lr")
      #expect(isWithin(rates, want, relative: 1e-12, absolute: 0), "\(name)")
      try checkRates(rates, want, dtype, name)
    }
  }
}

extension ArenaVector {
  var doubles: [Double] {
    (0..<count).map { index in
      dtype == .float32
        ? Double(pointer.load(fromByteOffset: 4 * index, as: Float.self))
        : pointer.load(fromByteOffset: 8 * index, as: Double.self)
    }
  }
}
