import DLCore
import DLFormats
import DLLayers

/// The weights that a run starts from: the file that the command line or the configuration names.
struct InitialWeights {
  let path: String
  let selection: WeightSelection

  /// Finds what a run starts from; nil for weights of its own.
  ///
  /// The command line's file takes the place of the configuration's, whose other keys hold for it.
  ///
  /// - Throws: `UsageError` where the configuration says what to take, and nobody says of which file.
  init?(_ configuration: Configuration, _ options: TrainingOptions = TrainingOptions()) throws {
    let keys = configuration.initialWeights
    guard let path = options.initialWeights ?? keys?.from else {
      guard keys == nil else {
        throw UsageError(
          "init: names no file to start from; give init.from, or \(OptionName.initialWeights) FILE")
      }
      return nil
    }
    self.path = path
    let isPart = options.takesPartOfWeights
    selection = WeightSelection(
      rename: keys?.rename ?? [:], except: keys?.except ?? [],
      isStrict: !isPart && keys?.strict ?? true, passesOtherShapes: isPart)
  }

  /// Reads the weights into a run's model.
  ///
  /// - Returns: lines on what was read otherwise than it stands in the file, and what was not.
  func load(into run: TrainingRun) throws -> [String] {
    let source = try WeightSources.open(path)
    let note = try StateDict(run.arena).loadWeights(from: source, selection)
    // Weights that are taken in part begin something else.
    let isWhole = selection.isStrict && selection.exceptions.isEmpty
    let difference = isWhole ? try DataIdentity(run).difference(source) : nil
    return [note, difference].compactMap(\.self)
  }

  /// Compares names, shapes and types with those of a model, and reads no number.
  func check(_ arena: ParameterArena) throws {
    _ = try StateDict(arena).match(WeightSources.open(path), selection)
  }
}
