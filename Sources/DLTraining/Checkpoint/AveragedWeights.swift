import DLFormats

/// The weights of a checkpoint as they are used: where it holds their mean, that in their place.
struct AveragedWeights: WeightSource {
  private let source: any WeightSource
  /// The means, by the names of their weights.
  private let means: [String: SafetensorsInfo]

  /// Takes the weights of any file; of others than checkpoints with means they stay as they are.
  ///
  /// - Throws: ``StateDictError`` naming every mean of another shape or type than its weight.
  init(_ source: any WeightSource) throws {
    self.source = source
    let prefix = WeightAveraging.prefix
    let found = Checkpoint.isOne(source) ? source.tensors.filter { $0.name.hasPrefix(prefix) } : []
    means = Dictionary(found.map { (String($0.name.dropFirst(prefix.count)), $0) }) { $1 }
    let differences = source.tensors.compactMap { weight in
      means[weight.name].flatMap { mean in
        mean.shape == weight.shape && mean.dtype == weight.dtype
          ? nil
          : "\(mean.name) is \(mean.dtype.rawValue) of shape \(mean.shape), its weight "
            + "\(weight.dtype.rawValue) of \(weight.shape)"
      }
    }
    guard differences.isEmpty else {
      throw StateDictError(
        path: source.path, differences: differences, advice: "use another checkpoint of the run")
    }
  }

  var path: String { source.path }
  var tensors: [SafetensorsInfo] { source.tensors }
  var metadata: [String: String] { source.metadata }

  func read(_ info: SafetensorsInfo, into buffer: UnsafeMutableRawBufferPointer) throws {
    try source.read(means[info.name] ?? info, into: buffer)
  }
}
