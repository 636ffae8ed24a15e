extension LBFGS {
  /// The vectors that a run saves, by PyTorch's names of the state: `d`, `prev_flat_grad` and for
  /// each pair of the history `old_dirs.N` and `old_stps.N`, oldest first.
  package var savedVectors: [(name: String, vector: ArenaVector)] {
    [("d", state.direction), ("prev_flat_grad", state.previousGradient)].compactMap {
      name, vector in
      vector.map { (name, $0) }
    }
      + state.pairs.enumerated().flatMap { index, pair in
        [("old_dirs.\(index)", pair.change), ("old_stps.\(index)", pair.step)]
      }
  }

  /// The numbers that a run saves.
  package var savedNumbers: [String: Double] {
    var numbers = [
      "n_iter": Double(state.iterations), "func_evals": Double(state.evaluations),
      "t": state.length, "H_diag": state.scale, "prev_loss": state.previousLoss,
      "history": Double(state.pairs.count),
      "has_direction": state.direction == nil ? 0 : 1,
    ]
    for (index, pair) in state.pairs.enumerated() { numbers["ro.\(index)"] = pair.inverse }
    return numbers
  }

  /// Takes over saved numbers and makes room for the vectors that belong to them, which the caller
  /// then fills.
  ///
  /// - Throws: `OptimizerError` on numbers that no run saves.
  package func restore(_ numbers: [String: Double]) throws {
    let check = HyperparameterCheck(optimizer: "lbfgs")
    func number(_ name: String, in range: ClosedRange<Double>) throws -> Double {
      let value = numbers[name] ?? .nan
      try check.require(range.contains(value), value, name, "a number from \(range)")
      return value
    }
    var restored = State()
    restored.iterations = Int(try number("n_iter", in: 0...1e15))
    restored.evaluations = Int(try number("func_evals", in: 0...1e15))
    restored.length = try number("t", in: 0...Double.infinity)
    restored.scale = try number("H_diag", in: 0...Double.infinity)
    restored.previousLoss = try number("prev_loss", in: -Double.infinity...Double.infinity)
    if try number("has_direction", in: 0...1) == 1 {
      restored.direction = try ArenaVector(count: count, dtype: dtype)
      restored.previousGradient = try ArenaVector(count: count, dtype: dtype)
    }
    let history = Int(try number("history", in: 0...Double(options.historySize)))
    restored.pairs = try (0..<history).map { index in
      Pair(
        change: try ArenaVector(count: count, dtype: dtype),
        step: try ArenaVector(count: count, dtype: dtype),
        inverse: try number("ro.\(index)", in: 0...Double.infinity))
    }
    state = restored
  }
}
