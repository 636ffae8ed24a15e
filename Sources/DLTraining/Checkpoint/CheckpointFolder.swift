import DLCore
import DLFormats

/// The `checkpoints` folder of a run: `step-NNNNNNNN.safetensors` files, and `latest` with the
/// newest one's name.
package struct CheckpointFolder {
  let path: String

  /// The folder at a path.
  package init(path: String) { self.path = path }

  /// The file of a step.
  func file(step: Int) -> String { "\(path)/\(CheckpointFolder.name(step: step))" }

  private static func name(step: Int) -> String {
    "step-\(Format.padded(step, 8)).safetensors"
  }

  /// The steps that have a file, whatever it holds, oldest first.
  ///
  /// - Throws: `FormatError` where the folder is there and cannot be listed.
  package func steps() throws -> [Int] {
    guard try File.kind(of: path) != nil else { return [] }
    return try File.list(path).compactMap { name in
      guard name.hasPrefix("step-"), name.hasSuffix(".safetensors"),
        let step = Int(name.dropFirst("step-".count).dropLast(".safetensors".count)), step >= 0,
        name == CheckpointFolder.name(step: step)
      else { return nil }
      return step
    }.sorted()
  }

  /// The marks of the files that the steps have at this moment: others after each replacement.
  ///
  /// - Throws: `FormatError` where the folder is there and cannot be listed.
  package func marks() throws -> [Int: FileMark] {
    var marks: [Int: FileMark] = [:]
    for step in try steps() { marks[step] = FileMark(file(step: step)) }
    return marks
  }

  /// Notes the newest file; done last, so that it never names one that is not whole.
  func markLatest(step: Int, committing: () throws -> Void = {}) throws {
    let name = CheckpointFolder.name(step: step)
    try File.replace("\(path)/latest", committing: committing) { try $0.write("\(name)\n") }
  }

  /// The newest file, as noted or, where the note cannot be read, by its name; nil where there is
  /// none.
  package var latest: String? {
    if let bytes = try? File.contents(of: "\(path)/latest", limit: 4096) {
      let name = String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline }
      if !name.isEmpty { return "\(path)/\(name)" }
    }
    return (try? steps())?.last.map(file)
  }

  /// Removes all but the `keep` newest up to `current` and the best.
  ///
  /// To be called once the file of `current` is whole and on the disk. Files of later steps belong
  /// to a course that a resume from before them has left: kept, they would be taken for the newest.
  func prune(keep: Int, best: Int?, current: Int) throws {
    let all = try steps()
    let kept = Set(all.filter { $0 <= current }.suffix(keep))
    for step in all where !kept.contains(step) && step != best {
      // What is no file has been made by somebody else, and takes no space.
      guard (try? File.kind(of: file(step: step))) == .file else { continue }
      _ = try File.remove(file(step: step))
    }
  }

  /// The first free name for a damaged file that a run has gone back over.
  func nameForDamaged(_ file: String) throws -> String {
    var name = file + ".damaged"
    var number = 1
    while try File.kind(of: name) != nil {
      number += 1
      name = "\(file).damaged-\(number)"
    }
    return name
  }
}
