import DLFormats

/// The `checkpoints` folder of a run: `step-NNNNNNNN.safetensors` files, and `latest` with the
/// newest one's name.
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

  /// The newest file as noted; nil where there is none.
  var latest: String? {
    guard let bytes = try? File.contents(of: "\(path)/latest", limit: 4096) else { return nil }
    let name = String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline }
    return name.isEmpty ? nil : "\(path)/\(name)"
  }

  /// Removes all but the `keep` newest up to `current` and the best.
  ///
  /// Files of later steps belong to a course that a resume from before them has left, or are the
  /// damaged ones that it went back over: kept, they would be taken for the newest.
  func prune(keep: Int, best: Int?, current: Int) throws {
    let all = try steps()
    let kept = Set(all.filter { $0 <= current }.suffix(keep))
    for step in all where !kept.contains(step) && step != best {
      _ = try File.remove(file(step: step))
    }
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
