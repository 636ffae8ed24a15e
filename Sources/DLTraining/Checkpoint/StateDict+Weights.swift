import DLFormats
import DLTensor
import Glibc

extension StateDict {
  /// Overwrites parameters and buffers by weights as PyTorch or dltrain saved them.
  ///
  /// Floating-point numbers of any width are taken, as `load_state_dict` takes them. A weight that
  /// several modules share is there if one of its names is. Names may begin with what all of them
  /// have in common and the model has not. With `partial` what has the same name and shape is taken,
  /// one weight at least, and the rest of the model starts as it would without the file.
  ///
  /// Counterpart: `torch.nn.Module.load_state_dict`, its `strict=False`,
  /// `safetensors.torch.load_model`.
  ///
  /// - Returns: a line where names were read otherwise than they stand in the file, or not all.
  /// - Throws: ``StateDictError`` with what differs, and advice that fits it; `FormatError`.
  @discardableResult
  package func loadWeights(from file: SafetensorsFile, partial: Bool = false) throws -> String? {
    let isOwn = file.metadata["format"]?.hasPrefix("dltrain-checkpoint") == true
    let tensors = file.tensors.filter { !isOwn || !Checkpoint.isTrainingState($0.name) }
    let ways = WeightNames.all(
      tensors, metadata: file.metadata, model: names.flatMap { $0 })
    let matches = ways.map { WeightMatch(self, $0) }
    if partial, let best = matches.max(by: { $0.readable.count < $1.readable.count }),
      !best.readable.isEmpty
    {
      for (entry, info) in best.readable where entry.isLoaded { try entry.read(info, from: file) }
      return best.partNote(file.path)
    }
    guard let match = matches.first(where: \.isComplete) else {
      let best = matches.min { $0.unmatched < $1.unmatched }
      throw WeightMismatch(file: file, tensors: tensors, match: best ?? WeightMatch(self, ways[0]))
        .error
    }
    try checkTies(match, file)
    for (entry, info) in match.sources where entry.isLoaded { try entry.read(info, from: file) }
    return match.names.note(file.path)
  }

  /// A weight with several names has the same numbers under each.
  private func checkTies(_ match: WeightMatch, _ file: SafetensorsFile) throws {
    for names in names where names.count > 1 {
      let found = match.sources.filter { names.contains($0.entry.name) }
      guard let first = found.first else { continue }
      var previous: (info: SafetensorsInfo, tensor: Tensor)?
      for (_, info) in found where previous?.info.name != info.name {
        let tensor = try first.entry.decoded(info, from: file)
        if let previous, memcmp(previous.tensor.pointer, tensor.pointer, tensor.byteCount) != 0 {
          throw StateDictError(
            path: file.path,
            differences: [
              "\(previous.info.name) and \(info.name) differ, and are one weight in the model"
            ], advice: "save them equal, or one of them alone")
        }
        previous = (info, tensor)
      }
    }
  }
}

/// What of a file belongs to which tensor of a model, by one way to read the names.
struct WeightMatch {
  let names: WeightNames
  /// The model's last parameter.
  let lastParameter: String
  /// The tensors of the model with those of the file.
  private(set) var sources: [(entry: StateDict.Entry, info: SafetensorsInfo)] = []
  /// First names of the model that the file lacks.
  private(set) var missing: [String] = []
  /// Tensors of the file that the model lacks.
  private(set) var surplus: [SafetensorsInfo] = []

  init(_ state: StateDict, _ names: WeightNames) {
    self.names = names
    lastParameter = state.lastParameter ?? ""
    let entries = Dictionary(
      state.entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var used: Set<String> = []
    for group in state.names {
      let found = group.compactMap { name -> (entry: StateDict.Entry, info: SafetensorsInfo)? in
        guard let entry = entries[name], let info = names.find(name) else { return nil }
        return (entry, info)
      }
      used.formUnion(found.map(\.info.name))
      sources += found
      // Counters start at 0 where a file has none.
      if found.isEmpty, let first = group.first, entries[first]?.tensor.dtype != .int64 {
        missing.append(first)
      }
    }
    surplus = names.tensors.values.filter { !used.contains($0.name) && !$0.isCounter }
      .sorted { $0.bytes.lowerBound < $1.bytes.lowerBound }
  }

  /// Pairs that can be read.
  var readable: [(entry: StateDict.Entry, info: SafetensorsInfo)] {
    sources.filter { $0.entry.difference(from: $0.info) == nil }
  }

  /// A line on what was taken of a file and what was not.
  func partNote(_ path: String) -> String {
    let others = missing + unreadable.map(\.entry.name)
    let start =
      others.isEmpty
      ? ""
      : "; \(others.prefix(3).joined(separator: ", "))\(others.count > 3 ? ", ..." : "") start anew"
    return "\(path): took \(readable.count) of \(tensors) tensors" + start
  }

  /// Tensors of the file.
  private var tensors: Int { names.tensors.count }

  /// Pairs that cannot be read: other shapes or types.
  var unreadable: [(entry: StateDict.Entry, info: SafetensorsInfo, what: String)] {
    sources.compactMap { entry, info in entry.difference(from: info).map { (entry, info, $0) } }
  }

  /// Names without a partner.
  var unmatched: Int { missing.count + surplus.count }

  /// Whether every tensor has a partner that fits.
  var isComplete: Bool { unmatched == 0 && unreadable.isEmpty }
}
