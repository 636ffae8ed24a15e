import DLCluster
import DLCore
import DLData
import DLFormats
import DLLayers
import DLModels
import DLTensor

/// A run folder as something to use: its configuration and one of its checkpoints.
package struct LoadedRun: Sendable {
  /// The checkpoint to take.
  package enum Choice: Sendable, Equatable {
    /// The one with the best validation; the newest where there was none.
    case best
    /// The newest that is whole.
    case latest
    /// A file.
    case path(String)

    /// Reads `best`, `latest` or a path.
    package init(_ text: String) {
      switch text {
      case "best": self = .best
      case "latest": self = .latest
      default: self = .path(text)
      }
    }
  }

  /// The run folder.
  package let folder: String
  /// The file of the checkpoint.
  package let checkpoint: String
  /// Its optimizer step.
  package let step: Int
  /// The views of an image that an output is the mean of; nil for those of the run's validations.
  package let views: TestTimeAugmentation?
  /// Makes what was trained; nil for the network that the configuration names.
  let task: TaskFactory?

  /// Opens a run folder and checks the checkpoint's format and every checksum.
  ///
  /// - Parameters:
  ///   - report: takes a line for each damaged checkpoint that was passed over.
  ///   - task: makes what was trained, where that is written in Swift.
  /// - Throws: `RunFolderError`, `CheckpointError`, `FormatError`; a line for each checkpoint where
  ///   none can be used, or one newer than those that can.
  package init(
    _ folder: String, choice: Choice = .best, views: TestTimeAugmentation? = nil,
    report: (String) -> Void = { _ in }, task: TaskFactory? = nil
  ) throws {
    self.views = views
    self.task = task
    let folder = withoutTrailingSlash(folder)
    self.folder = folder
    guard !folder.isEmpty, try File.kind(of: folder) == .folder else {
      throw RunFolderError(
        description: "\"\(folder)\": no such run folder, name the one that train printed")
    }
    if case .path(let path) = choice {
      checkpoint = path
      step = try Checkpoint.open(path).position.step
      return
    }
    let checkpoints = CheckpointFolder(path: folder + "/checkpoints")
    let search = CheckpointSearch(folder: checkpoints, purpose: .inference)
    let steps = try checkpoints.steps()
    let found =
      choice == .best
      ? try search.best(of: steps, examine: CheckpointSearch.examine)
      : try search.newest(of: steps, examine: CheckpointSearch.examine)
    guard let found else {
      throw RunFolderError(description: "\(folder): holds no checkpoint, train it first")
    }
    for line in found.notices { report(line) }
    checkpoint = found.path
    step = found.checkpoint.position.step
  }

  /// The configuration that the run was trained with.
  ///
  /// - Throws: `ConfigurationError`; `RunFolderError` where its network is written in Swift, and this is
  ///   not the program that has it.
  package func configuration() throws -> Configuration {
    let configuration = try Configuration.load(
      path: folder + "/config.yaml", supplied: ["model"])
    guard task != nil || configuration.model != ModelConfiguration() else {
      throw RunFolderError(
        description: "\(folder): its network is written in Swift and known to the program that "
          + "trained it; use that program: PROGRAM evaluate \(folder), or predict, generate, export"
      )
    }
    return configuration
  }

  /// Writes the weights alone, or their mean where the run has one, under PyTorch's names and
  /// layouts, for `safetensors.torch.load_model`.
  ///
  /// A weight that several modules share is written once, under its first name, and the metadata say
  /// which others it has, as `safetensors.torch.save_model` does.
  ///
  /// - Returns: the number of tensors.
  /// - Throws: `StateDictError` where a mean has another shape or type than its weight; `FormatError`.
  @discardableResult
  package func export(to path: String) throws -> Int {
    let file = try Checkpoint.open(checkpoint).file
    let ties = try TiedNames(of: file)
    let source = try AveragedWeights(file)
    let tensors = source.tensors.filter {
      !Checkpoint.isTrainingState($0.name) && ties?.first[ScalarString($0.name)] == nil
    }.map { info in
      SafetensorsTensor(name: info.name, dtype: info.dtype, shape: info.shape) { sink in
        try source.bytes(info).withUnsafeBytes { try sink($0) }
      }
    }
    // What classes and tokens stand for, and how data became rows.
    var metadata = Preparation(file.metadata).entries
    for key in [ClassNames.key, TokenizerFile.key] { metadata[key] = file.metadata[key] }
    metadata.merge(ties?.metadata ?? [:]) { $1 }
    metadata["format"] = "pt"
    try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
    return tensors.count
  }
}

/// The trained network of a run on one rank.
package final class LoadedNetwork {
  package let configuration: Configuration
  package let context: Context
  package let task: any TrainingTask
  package let classes: Int?
  package let input: Shape
  /// The type of the elements of its training data; nil where the checkpoint does not say.
  package let inputType: DType?
  /// True if rows of its training data end at lengths that the data tell.
  package let hasLengths: Bool
  /// The tokenizer of the training data; nil where they are no text.
  package let tokenizer: (any Tokenizer)?
  /// The tokenizer as the checkpoint holds it.
  let tokenizerText: String?
  /// The names of the classes; nil where the training data had none, or an earlier version wrote the
  /// checkpoint.
  package let classNames: ClassNames?
  /// The way from raw data to the rows that it was trained on.
  private let preparation: Preparation
  /// Its parameters and buffers.
  package let arena: ParameterArena

  /// Builds the run's network and loads the checkpoint into it.
  ///
  /// - Throws: what does not fit: the configuration, the model, the file.
  package convenience init(_ run: LoadedRun, communicator: any Communicator) throws {
    let configuration = try run.configuration()
    configuration.engine.select()
    try self.init(
      run, configuration,
      in: configuration.precision.context(over: communicator, seed: configuration.seed))
  }

  /// The same within a context of another network, in its precision.
  init(_ run: LoadedRun, _ configuration: Configuration, in context: Context) throws {
    var configuration = configuration
    if let views = run.views { configuration.validate.views = views }
    self.configuration = configuration
    self.context = context
    let file = try Checkpoint.open(run.checkpoint).file
    classNames = try file.metadata[ClassNames.key].map {
      try ClassNames($0, file: run.checkpoint)
    }
    preparation = Preparation(file.metadata)
    tokenizerText = file.metadata[TokenizerFile.key]
    tokenizer = try tokenizerText.map {
      try TokenizerFile.read($0, file: run.checkpoint)
    }
    inputType = file.metadata["input_type"].flatMap(DType.init(rawValue:))
    hasLengths = file.metadata["input_lengths"] != nil
    if let text = file.metadata["input_shape"] {
      let sizes = text.split(separator: ",").map { Int($0) ?? -1 }
      guard let shape = Shape(checking: sizes), !sizes.contains(0) else {
        throw CheckpointError(
          path: run.checkpoint, what: "has input shape \"\(text.prefix(80))\"",
          advice: "use another checkpoint of the run", exitCode: .data)
      }
      input = shape
      classes = try file.metadata["classes"].map { text in
        guard let count = Int(text), count >= 1 else {
          throw CheckpointError(
            path: run.checkpoint, what: "has \"\(text.prefix(80))\" classes",
            advice: "use another checkpoint of the run", exitCode: .data)
        }
        return count
      }
    } else {
      let data = try TrainingData(configuration)
      input = data.modelInput
      classes = data.train.classCount
    }
    task = try (run.task ?? TaskInput.factory())(
      TaskInput(
        configuration: configuration, inputShape: input, classes: classes,
        tokenizer: tokenizer, context: context))
    arena = try ParameterArena(task.model, context: context)
    let state = try StateDict(arena)
    try state.load(from: file, ignoring: Checkpoint.isTrainingState)
    try state.loadAverages(from: file)
  }

  /// The network's use of a text.
  package var textUse: TextUse {
    if task is TranslationTask { return .translation }
    return task.model is any LanguageModel ? .continuation : .rows
  }

  /// True if rows are the nodes of a graph.
  package var isOfGraph: Bool { task is GraphTask }

  /// Checks that rows have the shape that the network was trained on, that their numbers stand for
  /// the same, and that it and its loss take all of them.
  ///
  /// - Throws: `DataError` that names what differs.
  package func check(_ dataset: any Dataset, _ path: String, source: String) throws {
    let shape = TrainingData.modelInput(of: dataset)
    let isText = task is TranslationTask && dataset.inputType == .int32
    guard shape == input || isText && shape.rank == input.rank else {
      throw DataError(
        "\(path): has rows of shape \(dataset.inputShape), the run was trained on \(input); name another file",
        exitCode: .data)
    }
    try TrainingData.requireTokens(of: dataset, path, like: tokenizerText, source: source)
    try TrainingData.requirePreparation(of: dataset, path, like: preparation, source: source)
    try TrainingData.requireGraph(of: dataset, path, like: (task as? GraphTask)?.graph)
  }

  /// Checks that the network and its loss take all values of a data set.
  ///
  /// - Throws: `DataError` that names the value and its row.
  package func checkValues(of dataset: any Dataset, _ transform: InputTransform) throws {
    let row = try dataset.rowsOfZeros(inputs: transform.outputType, context: context)
    try dataset.check(context.withoutRecording { try task.domains(row) })
  }
}
