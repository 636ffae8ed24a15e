import DLCluster
import DLCore
import DLFormats

/// The reason why a file of weights does not fit a model, and what to do about it.
struct WeightMismatch {
  let file: any WeightSource
  /// The file's tensors without optimizer state.
  let tensors: [SafetensorsInfo]
  /// The best way to read the file's names.
  let match: WeightMatch

  /// The error with its cause.
  var error: StateDictError {
    StateDictError(path: file.path, differences: differences, advice: advice)
  }

  /// The first of each kind, with the number of the others.
  private var differences: [String] {
    guard !tensors.isEmpty else { return ["it holds no tensors"] }
    let unreadable = match.unreadable
    let types = unreadable.filter { $0.info.shape == $0.entry.fileShape }.map(\.what)
    let shapes = unreadable.filter { $0.info.shape != $0.entry.fileShape }.map(\.what)
    // Two layers of other sizes tell more than the weight and the bias of one.
    let wrong = grouped(shapes, shown: 2) + grouped(types, shown: 1)
    // A part of the names is enough then.
    guard needsNames || wrong.isEmpty else { return wrong }
    return wrong
      + grouped(match.missing.map { "\($0) is missing" }, shown: 1)
      + grouped(match.surplus.map { "\($0.name) is not in the model" }, shown: 1)
  }

  /// True if all names of both sides have to fit, or none does.
  private var needsNames: Bool { match.selection.isStrict || match.readable.isEmpty }

  private func grouped(_ list: [String], shown: Int) -> [String] {
    guard list.count > shown, let last = list.prefix(shown).last else { return list }
    return list.prefix(shown).dropLast() + ["\(last) (and \(list.count - shown) more)"]
  }

  private var advice: String {
    if tensors.isEmpty || isOptimizerState { return optimizerAdvice }
    if let parts = partOfSeveral {
      return "it is part \(parts): give the index of all, as model.safetensors.index.json"
    }
    let namesFit = match.unmatched == 0 || !needsNames
    if namesFit,
      match.unreadable.contains(where: { $0.info.shape != $0.entry.fileShape })
    {
      return shapeAdvice
    }
    if namesFit, !match.unreadable.isEmpty {
      return "weights are read from F16, BF16, F32 and F64; quantized ones have to be widened first"
    }
    if !match.selection.isStrict, match.readable.isEmpty {
      return
        "no weight of it fits the model by name and shape; take that of such a network, or tell the names by "
        + "init.rename"
    }
    if file.metadata["format"]?.hasPrefix("dltrain-checkpoint") == true {
      return "use the model of the configuration it was saved with, config.yaml of its run"
    }
    return "the model must have the layers of the file under the same names: compare "
      + "`dltrain inspect \(file.path)` with `inspect` of the configuration; "
      + "init.rename tells other names, init.strict=false takes what there is"
  }

  private var shapeAdvice: String {
    let differing = match.unreadable
    let isHead = differing.allSatisfy { entry, info, _ in
      layer(entry.name) == layer(match.lastParameter)
        && info.shape.dropFirst() == entry.fileShape.dropFirst()
    }
    if isHead, let found = differing.first,
      let (theirs, ours) = zip(found.info.shape, found.entry.fileShape).first(where: { $0 != $1 })
    {
      return
        "the last layer has \(counted(theirs, "output")) in the file and \(ours) in the model: "
        + "to start with a new one, \(exception(["\(layer(found.entry.name)).*"]))"
    }
    return "give the model the sizes of the file, or start these anew: "
      + exception(differing.map(\.entry.name))
  }

  /// The key that lets weights start anew, with what it has already.
  private func exception(_ names: [String]) -> String {
    let all = match.selection.exceptions.map(\.text) + names
    let shown = all.prefix(6).map { "\"\($0)\"" }.joined(separator: ", ")
    return "\(OptionName.set) 'init.except=[\(shown)\(all.count > 6 ? ", ..." : "")]'"
  }

  private func layer(_ name: String) -> Substring {
    name.lastIndex(of: ".").map { name[..<$0] } ?? ""
  }

  // What torch.optim and its kin call their state, at the end of a name.
  private var isOptimizerState: Bool {
    let states: Set<Substring> = [
      "exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer", "square_avg", "acc_delta",
      "exp_inf", "grad_avg", "step",
    ]
    guard match.sources.isEmpty else { return false }
    let count = tensors.filter { info in
      info.name.split(separator: ".").last.map(states.contains) ?? false
    }.count
    return 2 * count > tensors.count
  }

  private var optimizerAdvice: String {
    tensors.isEmpty
      ? "give a file of the model's own state_dict"
      : "it holds the state of an optimizer, give the file of the model's own state_dict"
  }

  /// `2 of 5` of a name like `model-00002-of-00005.safetensors`; nil for others.
  private var partOfSeveral: String? {
    let name = file.path.split(separator: "/").last ?? ""
    let parts = name.split(separator: ".").first?.split(separator: "-").suffix(3) ?? []
    guard parts.count == 3, parts[parts.startIndex + 1] == "of",
      let part = parts.first.flatMap({ Int($0) }), let count = parts.last.flatMap({ Int($0) }),
      count > 1
    else { return nil }
    return "\(part) of \(count)"
  }
}
