import DLFormats

/// The `checkpoints` folder of a run: `step-NNNNNNNN.safetensors` files, and `latest` with the newest one's name.
struct CheckpointFolder {
  let path: String

  /// The file of a step.
  func file(step: Int) -> String {
    let digits = String(step)
    let padding = String(repeating: "0", count: max(0, 8 - digits.count))
    return "\(path)/step-\(padding)\(digits).safetensors"
  }

  /// The steps that have a file, oldest first.
  func steps() throws -> [Int] {
    guard File.isFolder(path) else { return [] }
    return try File.list(path).compactMap { name in
      guard name.hasPrefix("step-"), name.hasSuffix(".safetensors") else { return nil }
      return Int(name.dropFirst("step-".count).dropLast(".safetensors".count))
    }.sorted()
  }

  /// Notes the newest file; done last, so that it never names one that is not whole.
  func markLatest(step: Int) throws {
    let name = file(step: step).dropFirst(path.count + 1)
    try File.replace("\(path)/latest") { try $0.write("\(name)\n") }
  }

  /// Removes all but the newest `keep` and the best.
  func prune(keep: Int, best: Int?) throws {
    for step in try steps().dropLast(keep) where step != best { _ = try File.remove(file(step: step)) }
  }

  /// The newest checkpoint that is whole, going back over damaged ones, each of which is reported.
  func newestGood(report: (String) -> Void) throws -> Int? {
    for step in try steps().reversed() {
      do {
        _ = try Checkpoint.open(file(step: step))
        return step
      } catch {
        report("\(error); going back to the checkpoint before it")
      }
    }
    return nil
  }
}
