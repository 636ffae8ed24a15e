import DLCluster
import DLConfiguration
import DLCore
import DLData
import DLFormats
import DLTensor

/// Ranks that run another job than rank 0.
package struct HandshakeError: DLError {
  /// The ranks that differ from rank 0 in the same way.
  package let ranks: [Int]
  /// Ranks that differ from rank 0 in another way.
  package let others: [Int]
  /// The differences: what these ranks have, and what rank 0 has.
  package let differences: [String]
  /// A fault of the set-up.
  package var exitCode: ExitCode { .usage }
  /// One line.
  package var description: String {
    let shown = differences.prefix(4).joined(separator: "; ")
    let more = differences.count > 4 ? "; and \(differences.count - 4) more" : ""
    let rest = others.isEmpty ? "" : "; other differences on \(StallReport.list(others))"
    return "not all ranks run the same job: \(StallReport.list(ranks)): \(shown)\(more)\(rest); "
      + "start all with the same program, configuration and data"
  }
}

/// The facts that must be the same on all ranks before they do anything together that depends on
/// them.
struct Handshake {
  let configuration: Configuration
  let options: TrainingOptions
  let data: TrainingData
  let parameterCount: Int

  /// Checks that all ranks run the same program on the same data by the same configuration with the
  /// same kernels.
  func compare(over communicator: any Communicator) throws {
    // One rank has nobody to differ from, and need not read program and data for it.
    guard communicator.size > 1 else { return }
    let mine = try communicator.agreed("take the fingerprints of the job", traits)
    let text = mine.map { "\($0.name)\t\($0.value)" }.joined(separator: "\n")
    let root = try communicator.broadcast(text, root: 0)
    let differences = root.hasScalars(of: text) ? [] : Handshake.differences(of: mine, from: root)
    let digest = differences.isEmpty ? 0 : Int64(CRC32.of(differences.joined())) + 1
    let all = try communicator.allgather([digest])
    try communicator.agreed("compare the ranks") {
      guard digest != 0 else { return }
      throw HandshakeError(
        ranks: all.indices.filter { all[$0] == digest },
        others: all.indices.filter { all[$0] != digest && all[$0] != 0 }, differences: differences)
    }
  }

  /// The facts that must be the same on all ranks; no value has a tab or a line break.
  private func traits() throws -> [(name: String, value: String)] {
    var traits: [(name: String, value: String)] = [
      ("program", FileDigest.program), ("version", Version.current),
      ("arithmetic", configuration.engine.fingerprint),
    ]
    traits += configuration.node.leaves.map { ($0.path, oneLine($0.text)) }
    for (name, path) in [
      ("data.train", configuration.data.train), ("data.validation", configuration.data.validation),
    ] {
      guard let path else { continue }
      let digests = try DataFiles.list(path).map { try FileDigest.sampled($0) }
      traits.append(("content of \(name)", digests.joined(separator: ",")))
    }
    traits += [
      ("values of data.train", data.digests.train ?? "none"),
      ("values of data.validation", data.digests.validation ?? "none"),
      ("rows", "\(data.train.count)"), ("validation rows", "\(data.validation?.count ?? 0)"),
      ("shape of a row", "\(data.train.inputShape)"), ("classes", "\(data.train.classCount ?? 0)"),
      ("parameters", "\(parameterCount)"), ("\(OptionName.stopAt)", "\(options.stopAtStep ?? 0)"),
      ("\(OptionName.initialWeights)", "\(options.initialWeights != nil)"),
      ("\(OptionName.partialWeights)", "\(options.takesPartOfWeights)"),
      ("content of \(OptionName.initialWeights)", initialContent),
      ("\(OptionName.trace)", "\(options.trace != nil)"),
      ("run folder", "\(options.writesRun)"),
    ]
    return traits
  }

  /// The content of the file of weights to start from; of a run folder its checkpoints tell, and a run that goes on may
  /// have none any more.
  private var initialContent: String {
    let path = options.initialWeights ?? configuration.initialWeights?.from
    return path.flatMap { try? FileDigest.sampled($0) } ?? "none"
  }

  /// `NAME: MINE, rank 0 has ITS`, in the order of rank 0 and then of what it has not.
  private static func differences(
    of mine: [(name: String, value: String)], from root: String
  ) -> [String] {
    let theirs = root.parts(at: "\n", omittingEmpty: true).map {
      line -> (name: String, value: String) in
      let sides = line.parts(at: "\t", limit: 1)
      return (String(sides[0]), sides.count > 1 ? String(sides[1]) : "")
    }
    let own = Dictionary(mine.map { (ScalarString($0.name), $0.value) }) { first, _ in first }
    let names = Set(theirs.map { ScalarString($0.name) })
    return theirs.compactMap { name, value in
      let here = own[ScalarString(name)]
      return here?.hasScalars(of: value) == true
        ? nil : "\(name): \(here ?? "nothing"), rank 0 has \(value)"
    }
      + mine.compactMap { name, value in
        names.contains(ScalarString(name)) ? nil : "\(name): \(value), rank 0 has nothing"
      }
  }
}

/// Short values that tell files apart by content and not by date.
package enum FileDigest {
  /// The running program's, over all its bytes.
  package static let program: String = (try? whole("/proc/self/exe")) ?? "unknown"

  /// Over length and all bytes.
  static func whole(_ path: String) throws -> String {
    let file = try File(path, .read)
    let count = try file.byteCount()
    return try digest(file, count, parts: [0..<count])
  }

  /// Over length, the first 64 KiB, where a header lies, the end, and 64 blocks of 4 KiB in even
  /// distances between.
  static func sampled(_ path: String) throws -> String {
    let file = try File(path, .read)
    let count = try file.byteCount()
    let header = 65_536
    let block = 4096
    guard count > 2 * header + 64 * block else {
      return try digest(file, count, parts: [0..<count])
    }
    let blocks = (0...64).map { index in
      let start = header + (count - header - block) / 64 * index
      return start..<start + block
    }
    return try digest(file, count, parts: [0..<header] + blocks + [count - block..<count])
  }

  private static func digest(_ file: File, _ count: Int, parts: [Range<Int>]) throws -> String {
    var sum = CRC32()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    defer { buffer.deallocate() }
    for part in parts {
      for start in stride(from: part.lowerBound, to: part.upperBound, by: buffer.count) {
        let size = min(buffer.count, part.upperBound - start)
        let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<size])
        try file.read(into: piece, at: start)
        sum.update(UnsafeRawBufferPointer(piece))
      }
    }
    return "\(count) bytes of checksum \(String(sum.value, radix: 16))"
  }
}

extension CRC32 {
  /// The checksum of a text's UTF-8.
  fileprivate static func of(_ text: String) -> UInt32 {
    Array(text.utf8).withUnsafeBytes { of($0) }
  }
}
