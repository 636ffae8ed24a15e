import DLFormats

/// The names of a file of weights under which a model's tensors are looked for.
///
/// What wraps a module in PyTorch stays in the names of its state_dict: `module.` of
/// DistributedDataParallel and AveragedModel, `_orig_mod.` of torch.compile, `model.` of Lightning.
struct WeightNames {
  /// A file's tensor by the name that it has without what was left out.
  let tensors: [String: SafetensorsInfo]
  /// Names of tied weights that the file leaves out, with the name that holds their numbers, as
  /// safetensors.torch.save_model notes them in the metadata.
  let aliases: [String: String]
  /// The parts that were left out of the file's names, as in `module.`; empty for none.
  let leftOut: [String]
  /// True if a normalization's weight and bias are read under gamma and beta.
  var readsOldNorms = false
  /// The beginning of the model's names that the file's do not have, as in `net.`; empty for none.
  var added = ""
  /// A rule for names that matches none of the file; nil where each has one.
  let unusedRename: String?

  /// Parts of a name that stand for a wrapper, wherever they are.
  private static let wrappers = [
    "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
  ]

  /// Takes the names of a file's tensors as they are, or without what `strip` leaves out, by the
  /// rules of a selection; nil where two become one.
  ///
  /// A rule holds for what is left of a name, or else for the name as it stands in the file.
  private init?(
    _ tensors: [SafetensorsInfo], _ metadata: [String: String], _ selection: WeightSelection,
    leftOut: [String] = [], strip: (String) -> String = { $0 }
  ) {
    var used: Set<Int> = []
    func rename(_ name: String) -> String {
      for name in [strip(name), name] {
        for (index, rule) in selection.renames.enumerated() {
          guard let new = rule(name) else { continue }
          used.insert(index)
          return new
        }
      }
      return strip(name)
    }
    var renamed: [String: SafetensorsInfo] = [:]
    for info in tensors {
      guard renamed.updateValue(info, forKey: rename(info.name)) == nil else { return nil }
    }
    unusedRename =
      selection.renames.indices.first { !used.contains($0) }.map { selection.renames[$0].old.text }
    let held = Set(tensors.map(\.name))
    var aliases: [String: String] = [:]
    for (name, kept) in metadata where held.contains(kept) && !held.contains(name) {
      aliases[rename(name)] = rename(kept)
    }
    self.tensors = renamed
    self.aliases = aliases
    self.leftOut = leftOut
  }

  /// The tensor of one of `names`, and the name without what was left out.
  func find(_ name: String) -> SafetensorsInfo? {
    let name = added.isEmpty || !name.hasPrefix(added) ? name : String(name.dropFirst(added.count))
    return tensors[name] ?? aliases[name].flatMap { tensors[$0] }
  }

  /// All ways to read a file's names for a model of the given names, as they are first.
  static func all(
    _ tensors: [SafetensorsInfo], metadata: [String: String], model: [String],
    _ selection: WeightSelection
  ) -> [WeightNames] {
    func parts(_ name: String) -> [String] {
      name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    }
    let hasOldNorms = tensors.contains { newNorm(parts($0.name)) != nil }
    func unwrapped(_ name: String) -> [String] {
      let parts = parts(name).filter { !wrappers.contains($0) }
      return newNorm(parts) ?? parts
    }
    let found = wrappers.filter { wrapper in tensors.contains { parts($0.name).contains(wrapper) } }
    let shared = commonParts(tensors.filter { !$0.isAverageCount }.map { unwrapped($0.name) })
    var ways = [WeightNames(tensors, metadata, selection)]
    for count in 0...shared.count where count > 0 || !found.isEmpty || hasOldNorms {
      let leftOut = found.map { $0 + "." } + shared.prefix(count).map { $0 + "." }
      let head = Array(shared.prefix(count))
      var way = WeightNames(tensors, metadata, selection, leftOut: leftOut) { name in
        let rest = unwrapped(name)
        return (rest.starts(with: head) ? Array(rest.dropFirst(count)) : rest)
          .joined(separator: ".")
      }
      way?.readsOldNorms = hasOldNorms
      ways.append(way)
    }
    let result = ways.compactMap { $0 }
    let own = commonParts(model.map(parts))
    guard !own.isEmpty else { return result }
    // A file of an inner module: a model's own first parts are missing in it.
    return result
      + (1...own.count).flatMap { count in
        result.map { way in
          var way = way
          way.added = own.prefix(count).map { $0 + "." }.joined()
          return way
        }
      }
  }

  /// The parts of a name under which older files of Hugging Face's keep gamma and beta of a LayerNorm,
  /// as PyTorch calls them now; nil for every other name.
  private static func newNorm(_ parts: [String]) -> [String]? {
    guard parts.dropLast().last == "LayerNorm" else { return nil }
    switch parts.last {
    case "gamma": return parts.dropLast() + ["weight"]
    case "beta": return parts.dropLast() + ["bias"]
    default: return nil
    }
  }

  /// The parts that all names begin with; the last part of a name is not among them.
  private static func commonParts(_ names: [[String]]) -> [String] {
    guard var common = names.first.map({ Array($0.dropLast()) }) else { return [] }
    for name in names {
      let same = zip(common, name.dropLast()).prefix { $0 == $1 }.count
      common = Array(common.prefix(same))
    }
    return common
  }

  /// A note on how the file's names were read, in words; nil where they were as the model's.
  var note: String? {
    var changes: [String] = []
    if !leftOut.isEmpty {
      changes.append("without " + leftOut.map { "\"\($0)\"" }.joined(separator: " and "))
    }
    if readsOldNorms { changes.append("with LayerNorm.gamma and beta for weight and bias") }
    if !added.isEmpty { changes.append("behind \"\(added)\"") }
    return changes.isEmpty
      ? nil : "its names are those of the model \(changes.joined(separator: ", "))"
  }
}

extension SafetensorsInfo {
  /// True if it is the count that torch.optim.swa_utils.AveragedModel keeps beside its module.
  var isAverageCount: Bool { name == "n_averaged" && count == 1 }

  /// True if it is what older files of Hugging Face's keep of a mask or of positions, which are no
  /// weights.
  var isConstant: Bool {
    switch name.split(separator: ".").suffix(2).joined(separator: ".") {
    case "attn.bias": shape.count == 4 && shape[0] == 1 && shape[1] == 1 && shape[2] == shape[3]
    case "attn.masked_bias": count == 1
    case "embeddings.position_ids": shape.count == 2 && shape[0] == 1
    default: false
    }
  }

  /// True if a model without such a tensor may leave it out: a count of batches or of weights.
  var isCounter: Bool {
    isAverageCount
      || (count == 1 && (name == "num_batches_tracked" || name.hasSuffix(".num_batches_tracked")))
  }
}
