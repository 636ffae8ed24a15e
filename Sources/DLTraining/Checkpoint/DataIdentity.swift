import DLCore
import DLData
import DLFormats

/// The identity of the data that a run is trained on: a run goes on with the same or not at all.
struct DataIdentity {
  private let run: TrainingRun
  private var data: TrainingData { run.data }

  init(_ run: TrainingRun) { self.run = run }

  private static let rowsKey = "rows"
  private static let digestKey = "data_digest"
  private static let validationDigestKey = "validation_digest"

  /// The notes that a checkpoint keeps of the data besides classes and tokenizer.
  var notes: [String: String] {
    var notes = data.preparation.entries
    notes[Self.rowsKey] = String(data.train.count)
    notes[ClassNames.key] = data.classNames?.text
    notes[Self.digestKey] = data.digests.train
    notes[Self.validationDigestKey] = data.digests.validation
    return notes
  }

  /// The difference between the tokens and classes that weights to start from were trained on and
  /// those of this run's data; nil where they mean the same, or a file does not say.
  func difference(_ file: any WeightSource) throws -> String? {
    let train = run.configuration.data.train ?? "data.synthetic"
    if let theirs = file.metadata[TokenizerFile.key], let mine = data.tokenizerText,
      let difference = try VocabularyComparison.difference(
        mine, theirs, file: train, source: file.path)
    {
      return "\(train): its vocabulary is not the one that \(file.path) was trained on: "
        + "\(difference); its tokens begin with the weights of others"
    }
    if let theirs = file.metadata[ClassNames.key], let mine = data.classNames,
      !theirs.utf8.elementsEqual(mine.text.utf8)
    {
      return "\(train): its class names are not those that \(file.path) was trained on; "
        + "its classes begin with the weights of others"
    }
    let theirs = Preparation(file.metadata)
    if let difference = try data.preparation.difference(
      from: theirs, file: train, source: file.path)
    {
      return "\(train): was not packed as the data that \(file.path) was trained on: \(difference)"
    }
    return nil
  }

  /// Compares what a checkpoint says of its data with the data of this run.
  ///
  /// A checkpoint of an earlier version says less.
  ///
  /// - Throws: ``CheckpointError`` with exit code 65 where the training data are others.
  func check(_ file: SafetensorsFile) throws {
    let train = run.configuration.data.train ?? "data.synthetic"
    func changed(_ what: String) -> CheckpointError {
      CheckpointError(
        path: file.path, what: "\(train): \(what)",
        advice: "resume with the data it was trained on, or start a new run from its weights by "
          + "\(OptionName.initialWeights) \(file.path)", exitCode: .data)
    }
    if let theirs = file.metadata[TokenizerFile.key], let mine = data.tokenizerText,
      let difference = try VocabularyComparison.difference(
        mine, theirs, file: train, source: file.path)
    {
      throw changed("its vocabulary is not the one trained on: \(difference)")
    }
    if let theirs = file.metadata[ClassNames.key], let mine = data.classNames,
      !theirs.utf8.elementsEqual(mine.text.utf8)
    {
      let names = try ClassNames(theirs, file: file.path)
      throw changed("its class names are not those trained on: \(mine.difference(from: names))")
    }
    let kept = Preparation(file.metadata)
    if let difference = try data.preparation.difference(
      from: kept, file: train, source: file.path)
    {
      throw changed("was not packed as the data trained on: \(difference)")
    }
    if let rows = file.metadata[Self.rowsKey], rows != String(data.train.count) {
      throw changed("has \(data.train.count) rows, and was trained on when it had \(rows)")
    }
    if let digest = file.metadata[Self.digestKey], let mine = data.digests.train, digest != mine {
      throw changed("has other values than those trained on, in as many rows")
    }
    if let digest = file.metadata[Self.validationDigestKey], let mine = data.digests.validation,
      digest != mine
    {
      run.warn(
        "\(run.configuration.data.validation ?? "data.validation") has changed since "
          + "\(file.path): its figures, and the best so far, are of other data")
    }
  }
}
