import DLCore
import DLLayers
import DLTensor

/// A trained classifier without its last layer: what it sees in an image.
final class FeatureNetwork {
  private let layers: Sequential
  private let scale: Tensor
  private let shift: Tensor
  /// Numbers per image.
  let width: Int

  /// Opens a run whose network is a chain.
  ///
  /// - Parameters:
  ///   - folder: the run folder.
  ///   - input: the shape of an image.
  ///   - normalize: how the images that come are normalized; the run's own may differ.
  /// - Throws: `UsageError` for a run of another kind; what opening it throws.
  init(_ folder: String, input: Shape, normalize: NormalizeConfiguration?, context: Context) throws
  {
    let run = try LoadedRun(folder)
    let trained = try LoadedNetwork(run, run.configuration(), in: context)
    guard let chain = trained.task.model as? Sequential, chain.layers.count > 1,
      trained.input == input
    else {
      throw UsageError(
        "model.features: \(folder) is no chain of layers over images of \(input), name a run of one"
      )
    }
    layers = Sequential(Array(chain.layers.dropLast()))
    width = try layers.outputShape(for: input).count
    let channels = input.last
    func numbers(_ list: [Double]?, _ fallback: Double) -> [Double] {
      let list = list ?? [fallback]
      return (0..<channels).map { list[min($0, list.count - 1)] }
    }
    let theirs = trained.configuration.data.normalize
    let (mean, std) = (numbers(normalize?.mean, 0), numbers(normalize?.std, 1))
    let (otherMean, otherStd) = (numbers(theirs?.mean, 0), numbers(theirs?.std, 1))
    let scales = zip(std, otherStd).map { $0 / $1 }
    let shifts = (0..<channels).map { (mean[$0] - otherMean[$0]) / otherStd[$0] }
    scale = try Tensor.values(scales, shape: [channels], context: context)
    shift = try Tensor.values(shifts, shape: [channels], context: context)
    network = trained
  }

  private let network: LoadedNetwork

  /// The features of images, `[batch, width]` row by row.
  func callAsFunction(_ images: Tensor) throws -> [Double] {
    try layers(images * scale + shift).doubles
  }
}
