import DLLayers
import DLOptimizers
import DLTensor

/// The mean of a run's weights, with the running statistics that belong to it.
///
/// An exponential mean takes the statistics of the weights themselves, as PyTorch's `AveragedModel`
/// does; an equal one has statistics of its own, gathered anew from the training data, as by
/// `torch.optim.swa_utils.update_bn`.
final class RunAverage {
  let plan: AveragePlan
  let mean: WeightAverage
  /// The batch normalisations whose statistics are gathered anew; none for an exponential mean.
  let norms: [BatchNorm]
  /// The mean's buffers, where it has its own.
  private let buffers: UnsafeMutableRawBufferPointer
  /// Whether ranks have taken in weights of their own since their means were the same.
  var differsByRank = false
  /// Whether the buffers belong to the mean as it is.
  var hasStatistics = false

  /// Whether the mean's statistics are yet to be gathered.
  var lacksStatistics: Bool { mean.updates > 0 && !norms.isEmpty && !hasStatistics }

  init(_ configuration: AverageConfiguration, arena: ParameterArena, plan: AveragePlan) throws {
    self.plan = plan
    let spec = configuration.spec
    mean = try WeightAverage(spec.makeWeighting(), count: arena.count, dtype: arena.dtype)
    norms = spec.gathersStatistics ? arena.modules.compactMap { $0 as? BatchNorm } : []
    buffers = .allocate(byteCount: norms.isEmpty ? 0 : arena.bufferBytes.count, alignment: 64)
    buffers.initializeMemory(as: UInt8.self, repeating: 0)
  }

  /// The mean that a configuration asks for; nil for none.
  static func make(
    _ configuration: Configuration, arena: ParameterArena, totalSteps: Int, stepsPerEpoch: Int
  ) throws -> RunAverage? {
    try configuration.average.map {
      let plan = AveragePlan($0, totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch)
      return try RunAverage($0, arena: arena, plan: plan)
    }
  }

  deinit { buffers.deallocate() }

  /// Takes the weights in where it is time to.
  func didStep(_ step: Int, _ arena: ParameterArena) {
    guard plan.isDue(afterStep: step) else { return }
    mean.update(arena.values)
    hasStatistics = false
  }

  /// Exchanges the weights and their statistics for the mean's, or back; collective over those who
  /// have the same weights, each of whom exchanges a part.
  func swap(_ arena: ParameterArena) throws {
    try arena.exchange.synchronize()
    mean.swap(with: arena.values, range: arena.exchange.part(of: 0..<arena.count))
    try arena.exchange.synchronize()
    guard !buffers.isEmpty else { return }
    let copy = Array(buffers)
    buffers.copyMemory(from: UnsafeRawBufferPointer(arena.bufferBytes))
    arena.bufferBytes.copyBytes(from: copy)
  }

  /// What a checkpoint holds of the mean, named `average.PARAMETER`; nothing before its first
  /// update.
  func entries(_ arena: ParameterArena, context: Context) -> [StateDict.Entry] {
    guard mean.updates > 0 else { return [] }
    let parameters = zip(arena.parameters, arena.offsets).map { parameter, offset in
      StateDict.Entry(
        name: RunAverage.prefix + parameter.name, fileShape: parameter.fileShape.dimensions,
        layout: parameter.layout,
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
          name: RunAverage.prefix + buffer.name, fileShape: buffer.shape.dimensions,
          layout: .plain,
          tensor: Tensor(
            borrowing: mine + (tensor.pointer - theirs), shape: tensor.shape, dtype: tensor.dtype,
            owner: self, context: context))
      }
  }

  /// The first part of the name of every tensor of the mean in a checkpoint.
  static let prefix = "average."
}
