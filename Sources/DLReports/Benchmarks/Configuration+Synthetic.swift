import DLData
import DLTraining

extension Configuration {
  /// The same job on made-up rows like those of its training set.
  ///
  /// - Throws: `FormatError` or `DataError` where the training set cannot be opened.
  package func withSyntheticData() throws -> Configuration {
    guard data.synthetic == nil else { return self }
    let dataset = try TrainingData.open(data.train ?? "", .training, self)
    var synthetic = SyntheticConfiguration()
    switch (dataset.classCount, dataset.inputType) {
    case (let classes?, .int32)
    where dataset.inputShape.count == 1 && dataset.labelShape == dataset.inputShape:
      synthetic.tokens = dataset.inputShape[0]
      synthetic.vocabulary = classes
    case (let classes?, let type) where type != .int32:
      synthetic.shape = dataset.inputShape
      synthetic.classes = classes
    default:
      throw DataError(
        "\(data.train ?? ""): only images, features with classes, and texts whose next tokens are "
          + "predicted can be made up, set data.synthetic")
    }
    var result = self
    result.data.synthetic = synthetic
    result.data.train = nil
    return result
  }
}
