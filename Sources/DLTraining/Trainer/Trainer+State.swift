import DLFormats
import DLOptimizers

/// What a run saves besides its model, so that it goes on with the same bits.
extension Trainer {
  /// The tensors; those of L-BFGS and of averages only once their numbers are restored.
  func stateEntries() throws -> [StateDict.Entry] {
    try phases.flatMap { try $0.state.entries() }
      + (average?.entries(arena, context: context) ?? [])
  }

  /// The numbers.
  var stateNumbers: [String: String] {
    var notes: [String: String] = [:]
    if let average { notes["average_updates"] = String(average.mean.updates) }
    if let plateau {
      notes["plateau"] = text([
        "multiplier": plateau.multiplier, "best": plateau.best ?? .nan,
        "bad": Double(plateau.badCount), "cooldown": Double(plateau.cooldownCount),
      ])
    }
    for (index, phase) in phases.enumerated() {
      if let lbfgs = phase.lbfgs { notes["lbfgs_\(index)"] = text(lbfgs.savedNumbers) }
    }
    return notes
  }

  /// Takes the numbers of a checkpoint.
  func restoreNumbers(from file: SafetensorsFile) throws {
    func numbers(_ key: String) throws -> [String: Double] {
      guard let text = file.metadata[key], let numbers = parse(text) else {
        throw CheckpointError(
          path: file.path, what: "lacks the state of \(key)",
          advice: "resume with the configuration it was saved with", exitCode: .usage)
      }
      return numbers
    }
    if let average {
      guard let updates = file.metadata["average_updates"].flatMap({ Int($0) }), updates >= 0
      else {
        throw CheckpointError(
          path: file.path, what: "does not say how many weights its mean is of",
          advice: "resume with the configuration it was saved with", exitCode: .usage)
      }
      average.mean.updates = updates
      // A checkpoint is written with the statistics that belong to its mean.
      average.hasStatistics = true
    }
    if plateau != nil {
      let saved = try numbers("plateau")
      plateau?.multiplier = saved["multiplier"] ?? 1
      plateau?.best = saved["best"].flatMap { $0.isNaN ? nil : $0 }
      plateau?.badCount = count(saved["bad"])
      plateau?.cooldownCount = count(saved["cooldown"])
    }
    for (index, phase) in phases.enumerated() {
      try phase.lbfgs?.restore(numbers("lbfgs_\(index)"))
    }
  }

  private func count(_ value: Double?) -> Int {
    value.flatMap { Int(exactly: $0) } ?? 0
  }

  private func text(_ numbers: [String: Double]) -> String {
    numbers.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
  }

  private func parse(_ text: String) -> [String: Double]? {
    var numbers: [String: Double] = [:]
    for part in text.split(separator: " ") {
      let sides = part.split(separator: "=")
      guard sides.count == 2, let value = Double(sides[1]) else { return nil }
      numbers[String(sides[0])] = value
    }
    return numbers
  }
}
