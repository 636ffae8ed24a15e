import DLConfiguration
import DLCore
import DLFormats
import DLLayers
import DLOptimizers
import DLTensor

/// A mean of the weights beside them (`average:`), which validation, evaluation and export take in
/// place of the weights themselves.
///
/// An exponential mean takes the statistics of the weights themselves, as PyTorch's `AveragedModel`
/// does; an equal one has statistics of its own, gathered anew from the training data, as by
/// `torch.optim.swa_utils.update_bn`.
final class WeightAveraging: TrainerPart {
  let run: TrainingRun
  let times: PeriodicSteps
  let mean: WeightAverage
  /// The batch normalizations whose statistics are gathered anew; none for an exponential mean.
  let norms: [BatchNorm]
  /// The mean's buffers, where it has its own.
  private let buffers: UnsafeMutableRawBufferPointer
  /// True if ranks have taken in weights of their own since their means were the same.
  private var differsByRank = false
  /// True if the buffers belong to the mean as it is.
  private var hasStatistics = false
  /// True if the arena holds the mean, and the mean the weights.
  private var isSwapped = false

  private init(_ configuration: AverageConfiguration, _ run: TrainingRun) throws {
    self.run = run
    let arena = run.arena
    times = configuration.updates(
      totalSteps: run.totalSteps, stepsPerEpoch: run.sampler.stepsPerEpoch)
    let spec = configuration.spec
    mean = try WeightAverage(spec.makeWeighting(), count: arena.count, dtype: arena.dtype)
    norms = spec.gathersStatistics ? arena.modules.compactMap { $0 as? BatchNorm } : []
    buffers = .allocate(byteCount: norms.isEmpty ? 0 : arena.bufferBytes.count, alignment: 64)
    buffers.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { buffers.deallocate() }

  static func make(for run: TrainingRun) throws -> WeightAveraging? {
    try run.communicator.agreed("make room for the mean of the weights") {
      try run.configuration.average.map { try WeightAveraging($0, run) }
    }
  }

  /// Takes the weights in where it is time to; where ranks step by themselves, their means are
  /// averaged as soon as the ranks are.
  func didStep() throws {
    let step = run.position.step
    let isDue = times.isDue(afterStep: step)
    if isDue {
      mean.update(run.arena.values)
      hasStatistics = false
    }
    guard let localSGD = run.localSGD, run.communicator.size > 1, step > localSGD.start else {
      return
    }
    if isDue { differsByRank = true }
    guard differsByRank, run.ranksAreEqual else { return }
    differsByRank = false
    try run.clock.measure(.reduction) {
      for optimizer in run.optimizers {
        try run.averageOverRanks(
          mean.values.pointer, optimizer.trainedRanges,
          from: optimizer.shards.elements.lowerBound)
      }
    }
  }

  /// Says so where the run was too short for a mean.
  func didTrain() throws {
    guard mean.updates == 0, run.position.step == run.totalSteps, run.totalSteps > 0 else { return }
    run.warn(
      "average: no weights were taken in over \(counted(run.totalSteps, "step")), so that the mean is the weights "
        + "themselves; start it sooner by average.start_steps, or every_steps")
  }

  /// Puts the mean in place of the weights, with statistics of its own where it has them.
  func willEvaluate() throws {
    guard mean.updates > 0 else { return }
    try swap()
    guard !norms.isEmpty, !hasStatistics else { return }
    try gatherStatistics()
    hasStatistics = true
  }

  func didEvaluate() throws { if isSwapped { try swap() } }

  /// A checkpoint is written with the statistics that belong to its mean.
  func willSave() throws {
    guard mean.updates > 0, !norms.isEmpty, !hasStatistics else { return }
    try willEvaluate()
    try didEvaluate()
  }

  /// Exchanges the weights and their statistics for the mean's, or back; collective over those who
  /// have the same weights, each of whom exchanges a part.
  private func swap() throws {
    let arena = run.arena
    try arena.exchange.synchronize()
    mean.swap(with: arena.values, range: arena.exchange.part(of: 0..<arena.count))
    isSwapped.toggle()
    try arena.exchange.synchronize()
    guard !buffers.isEmpty else { return }
    let copy = Array(buffers)
    buffers.copyMemory(from: UnsafeRawBufferPointer(arena.bufferBytes))
    arena.bufferBytes.copyBytes(from: copy)
  }

  /// The first part of the name of every tensor of the mean in a checkpoint.
  static let prefix = "average."
  static var tensorPrefix: String? { prefix }

  static func conditions(of run: TrainingRun) -> [(key: String, value: String)] {
    [("average", run.configuration.average?.name.rawValue ?? "none")]
  }

  var notes: [String: String] { ["average_updates": String(mean.updates)] }

  func restoreNotes(from file: SafetensorsFile) throws {
    guard let updates = file.metadata["average_updates"].flatMap({ Int($0) }), updates >= 0
    else {
      throw CheckpointError.ofOtherJob(
        file.path, "does not say how many weights its mean is of")
    }
    mean.updates = updates
    hasStatistics = true
  }

  func restore(from file: SafetensorsFile) throws {
    try StateDict(entries).load(from: file) { !$0.hasPrefix(WeightAveraging.prefix) }
  }

  func gather() throws -> [StateDict.Entry] { entries }

  /// The tensors of the mean, named `average.PARAMETER`; nothing before its first update.
  private var entries: [StateDict.Entry] {
    guard mean.updates > 0 else { return [] }
    let (arena, context) = (run.arena, run.context)
    let parameters = zip(arena.parameters, arena.offsets).map { parameter, offset in
      StateDict.Entry(
        name: WeightAveraging.prefix + parameter.name,
        fileShape: parameter.fileShape.dimensions, layout: parameter.layout,
        tensor: Tensor(
          borrowing: mean.values.pointer + offset * arena.dtype.byteCount, shape: parameter.shape,
          dtype: arena.dtype, owner: mean.values, context: context))
    }
    guard let mine = buffers.baseAddress, let theirs = arena.bufferBytes.baseAddress,
      !buffers.isEmpty
    else { return parameters }
    return parameters
      + arena.buffers.compactMap { buffer in
        guard let tensor = try? buffer.value else { return nil }
        return StateDict.Entry(
          name: WeightAveraging.prefix + buffer.name, fileShape: buffer.shape.dimensions,
          layout: .plain,
          tensor: Tensor(
            borrowing: mine + (tensor.pointer - theirs), shape: tensor.shape, dtype: tensor.dtype,
            owner: self, context: context))
      }
  }
}

/// A mean of the weights over the run, which validation, evaluation and export take in place of the
/// weights themselves.
///
/// ``AverageRegistry`` lists the means with their own options.
package struct AverageConfiguration: NamedChoiceSection {
  /// The name of a mean.
  package typealias Name = ChoiceName<Self>

  /// The rule by which updates are weighed.
  package var name = Name(ExponentialAverageSpec.self)
  /// Steps between two updates; each mean has a default of its own.
  package var everySteps: Int?
  /// Epochs before the first update.
  package var startEpochs: Double?
  /// Steps before the first update; each mean has a default of its own.
  package var startSteps: Int?
  /// The options of the mean that were given.
  package var options = ChosenOptions()

  package init() {}

  /// The means that can be named.
  package static var optionTypes: [any ConfigurationOption.Type] {
    AverageRegistry.all.map { $0 }
  }

  /// The keys that go with every mean.
  package static var sharedFields: [ConfigurationField<Self>] {
    [
      .init("name", \.name, "mean of the weights: exponential (ema), equal (swa), or another"),
      .init(
        "every_steps", \.everySteps, .atLeast(1),
        "steps between two updates; an epoch for swa, else 1"),
      .init("start_epochs", \.startEpochs, .within(0...1e9), "epochs before the first update"),
      .init(
        "start_steps", \.startSteps, .atLeast(0),
        "steps before the first update; 3/4 of the run for swa, else 0"),
    ]
  }

  /// The start is given in one unit.
  package static var sharedAlternatives: [[String]] { [["start_epochs", "start_steps"]] }

  /// The keys that are written under every name.
  package static var writtenKeys: [String] {
    ["name", "decay", "every_steps", "start_epochs", "start_steps", "lr", "anneal_epochs"]
  }

  package func problems() -> [ConfigurationProblem] {
    guard startEpochs != nil, startSteps != nil else { return optionProblems() }
    let message = "give either start_steps or start_epochs"
    return [.init("start_steps", "start_epochs", message: message)] + optionProblems()
  }

  /// The chosen mean with its options.
  package var spec: any AverageSpec {
    chosenOption as? any AverageSpec ?? ExponentialAverageSpec()
  }

  /// The steps after which the mean takes the weights in.
  func updates(totalSteps: Int, stepsPerEpoch: Int) -> PeriodicSteps {
    let spec = spec
    return PeriodicSteps(
      start: startSteps ?? startEpochs.map { stepCount(epochs: $0, stepsPerEpoch) }
        ?? spec.defaultStart(totalSteps: totalSteps),
      every: everySteps ?? spec.defaultInterval(stepsPerEpoch: stepsPerEpoch))
  }
}
