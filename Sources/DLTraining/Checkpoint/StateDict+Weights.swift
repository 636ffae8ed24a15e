import DLCore
import DLFormats
import DLTensor
import Glibc

extension StateDict {
  /// Overwrites parameters and buffers by weights as PyTorch or dltrain saved them.
  ///
  /// Floating-point numbers of any width are taken, as `load_state_dict` takes them. A weight that
  /// several modules share is there if one of its names is. Names may begin with what all of them
  /// have in common and the model has not.
  ///
  /// Counterpart: `torch.nn.Module.load_state_dict`, `safetensors.torch.load_model`.
  ///
  /// - Parameter selection: which weights are taken, and under which names.
  /// - Returns: a line where names were read otherwise than they stand in the file, or not all.
  /// - Throws: ``StateDictError`` with what differs, and advice that fits it; `FormatError`.
  @discardableResult
  package func loadWeights(
    from source: any WeightSource, _ selection: WeightSelection = WeightSelection()
  ) throws -> String? {
    let match = try match(source, selection)
    let pairs = match.readable
    try checkTies(pairs, source)
    for (entry, info) in pairs where entry.isLoaded { try entry.read(info, from: source) }
    return match.note(source.path)
  }

  /// Finds which tensor of a file belongs to which of the model, by the best way to read its names.
  func match(_ source: any WeightSource, _ selection: WeightSelection) throws -> WeightMatch {
    let isOwn = source.metadata["format"]?.hasPrefix("dltrain-checkpoint") == true
    let known = Set(names.joined())
    let constants = source.tensors.filter { $0.isConstant && !known.contains($0.name) }
    let passedOver = Set(constants.map(\.name))
    let tensors = source.tensors.filter {
      !passedOver.contains($0.name) && (!isOwn || !Checkpoint.isTrainingState($0.name))
    }
    // Of a weight that several modules share one name is enough.
    let ways = WeightNames.all(
      tensors, metadata: source.metadata, model: names.compactMap(\.first), selection)
    let matches = ways.map {
      WeightMatch(self, $0, selection, constants: constants.map(\.name))
    }
    guard let first = matches.first else {
      throw StateDictError(
        path: source.path, differences: ["init.rename gives two of its tensors one name"],
        advice: "rename them apart")
    }
    // Where nothing can be taken, the names tell best what is wrong.
    let fullest = matches.max { $0.readable.count < $1.readable.count } ?? first
    let best =
      matches.first(where: \.isComplete)
      ?? (selection.isStrict || fullest.readable.isEmpty
        ? matches.min { $0.unmatched < $1.unmatched } ?? first : fullest)
    if let unused = best.unused { throw unusedPattern(unused, source.path) }
    guard best.isAcceptable else {
      throw WeightMismatch(file: source, tensors: tensors, match: best).error
    }
    return best
  }

  private func unusedPattern(_ pattern: (key: String, text: String), _ path: String)
    -> StateDictError
  {
    let examples = names.prefix(3).compactMap(\.first).joined(separator: ", ")
    let isRename = pattern.key == "rename"
    return StateDictError(
      path: path,
      differences: [
        "init.\(pattern.key): \"\(pattern.text)\" matches no name "
          + (isRename ? "of the file" : "of model or file; the model's are like \(examples)")
      ],
      advice: isRename
        ? "list the file's names with `dltrain inspect \(path)`" : "correct it or leave it out")
  }

  /// A weight with several names has the same numbers under each.
  private func checkTies(
    _ pairs: [(entry: Entry, info: SafetensorsInfo)], _ source: any WeightSource
  ) throws {
    for names in names where names.count > 1 {
      let found = pairs.filter { names.contains($0.entry.name) }
      guard let first = found.first else { continue }
      var previous: (info: SafetensorsInfo, tensor: Tensor)?
      for (_, info) in found where previous?.info.name != info.name {
        let tensor = try first.entry.decoded(info, from: source)
        if let previous, memcmp(previous.tensor.pointer, tensor.pointer, tensor.byteCount) != 0 {
          throw StateDictError(
            path: source.path,
            differences: [
              "\(previous.info.name) and \(info.name) differ, and are one weight in the model"
            ], advice: "save them equal, or one of them alone")
        }
        previous = (info, tensor)
      }
    }
  }
}
