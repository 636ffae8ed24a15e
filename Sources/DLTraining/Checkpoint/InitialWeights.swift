import DLConfiguration
import DLCore
import DLFormats
import DLLayers

/// The weights that a run starts from: the file that the command line or the configuration names, or the best
/// checkpoint of the run folder.
struct InitialWeights {
  /// A file, or a run folder.
  let path: String
  let selection: WeightSelection

  /// Finds what a run starts from; nil for weights of its own.
  ///
  /// - Throws: `UsageError` where the configuration says what to take, and nobody says of which file.
  init?(_ configuration: Configuration) throws {
    guard let keys = configuration.initialWeights else { return nil }
    guard let path = keys.from else {
      throw UsageError(
        "init: names no file or run to start from; give init.from, or \(OptionName.initialWeights) FILE"
      )
    }
    self.path = path
    selection = WeightSelection(
      rename: keys.rename, except: keys.except, isStrict: keys.strict,
      passesOtherShapes: keys.otherShapes)
  }

  /// Reads the weights into a run's model; collective.
  ///
  /// The sums of a checkpoint are checked first, every host reading it once.
  ///
  /// - Returns: lines on what was read otherwise than it stands in the file, and what was not.
  /// - Throws: `RankFailure`, the same on every rank.
  func load(into run: TrainingRun) throws -> [String] {
    let communicator = run.communicator
    let readers = try CheckpointReaders(communicator)
    let isFolder = try communicator.agreed("look for \(path)") {
      try File.kind(of: path) == .folder
    }
    var file = path
    // What is a folder for one is none for another only where they do not share it.
    if try communicator.allgather([isFolder ? 1 : 0]).contains(1) {
      let steps = try readers.steps(of: checkpoints)
      file = try readers.refusing { try best(of: steps, examine: readers.examine) }
    } else {
      let source = try communicator.agreed("load \(file)") { try WeightSources.open(file) }
      if try communicator.allgather([Checkpoint.isOne(source) ? 1 : 0]).contains(1) {
        _ = try readers.whole(file)
      }
    }
    return try communicator.agreed("load \(file)") {
      let source = try AveragedWeights(WeightSources.open(file))
      let note = try StateDict(run.arena).loadWeights(from: source, selection)
      // Weights that are taken in part begin something else.
      let isWhole = selection.isStrict && selection.exceptions.isEmpty
      let difference = isWhole ? try DataIdentity(run).difference(source) : nil
      return [note, difference].compactMap(\.self)
    }
  }

  /// Compares names, shapes and types with those of a model.
  func check(_ arena: ParameterArena) throws {
    var file = path
    if try File.kind(of: path) == .folder {
      file = try best(of: checkpoints.steps(), examine: CheckpointSearch.examine)
    }
    _ = try StateDict(arena).match(WeightSources.open(file), selection)
  }

  /// The checkpoints, where the path is a run folder.
  private var checkpoints: CheckpointFolder {
    CheckpointFolder(path: withoutTrailingSlash(path) + "/checkpoints")
  }

  /// The best checkpoint of the run folder.
  private func best(of steps: [Int], examine: (String) throws -> CheckpointSearch.Outcome) throws
    -> String
  {
    let search = CheckpointSearch(folder: checkpoints, purpose: .named)
    guard let found = try search.best(of: steps, examine: examine) else {
      throw RunFolderError(
        description: "\(path): a folder without checkpoints; name a run folder or a file of weights"
      )
    }
    return found.path
  }
}

/// Weights of a file to start from, and what of them is taken.
package struct InitConfiguration: ConfigurationSection {
  /// The file; the command line's unless given.
  package var from: String?
  /// Names of the file, or patterns over them, with the model's names for them.
  package var rename: [String: String] = [:]
  /// Patterns over names of what starts anew, whatever the file holds.
  package var except: [String] = []
  /// True if every other weight of the model and of the file must have its partner.
  package var strict = true
  /// True if weights that have another shape in the file start anew.
  package var otherShapes = false

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "from", \.from, .path,
        "weights in a safetensors file, a PyTorch file or the index of several, or a run folder with its best checkpoint; \(OptionName.initialWeights)'s unless given"
      ),
      .init(
        "rename", \.rename,
        "the model's name for a name of the file; each * stands for what that of the file's name does"
      ),
      .init(
        "except", \.except,
        "names with * for any characters of what starts anew, as in [\"head.*\"]"),
      .init(
        "strict", \.strict,
        "whether every weight of file and model needs its partner, as in load_state_dict"),
      .init(
        "other_shapes", \.otherShapes,
        "whether weights of another shape start anew, as with \(OptionName.partialWeights)"),
    ]
  }

  package func problems() -> [ConfigurationProblem] {
    for (old, new) in rename.sorted(by: { $0.key < $1.key }) {
      let stars = new.utf8.count { $0 == UInt8(ascii: "*") }
      if old.isEmpty || new.isEmpty {
        return [.init("rename", message: "\"\(old)\": \"\(new)\": give two names")]
      }
      if stars > Glob(old).starCount {
        let message =
          "\"\(old)\": \"\(new)\": \(counted(stars, "star")) for "
          + "\(Glob(old).starCount) in the name of the file"
        return [.init("rename", message: message)]
      }
      if new.utf8.contains(where: { [UInt8(ascii: "?"), UInt8(ascii: "[")].contains($0) }) {
        let message = "\"\(new)\": the model's name has stars alone, each as in the file's name"
        return [.init("rename", message: message)]
      }
    }
    return []
  }
}

extension Configuration {
  /// The configuration with the weights that a command line names to start from, to which its other
  /// keys for them apply.
  func starting(by options: TrainingOptions) -> Configuration {
    guard let path = options.initialWeights else { return self }
    var weights = initialWeights ?? InitConfiguration()
    weights.from = absolutePath(path)
    if options.takesPartOfWeights {
      weights.strict = false
      weights.otherShapes = true
    }
    var result = self
    result.initialWeights = weights
    return result
  }
}
