import DLCluster
import DLCore
import DLData
import DLFormats
import DLTraining

extension LoadedRun {
  /// Predicts every row of a data set file, of which only `x` is needed, in the file's order; or of a
  /// file that becomes one as the training data did: a table (CSV), an image (PNG or JPEG), a sound
  /// (WAV) or a text, each line of which is a row; or of a folder of images; or every node of a graph.
  ///
  /// With classes the text is CSV: `row,class,probability`; where a row has several labels a line for
  /// each within the row's length, `row,position,class,probability`. Where the training data named
  /// the classes, `name` follows. Without classes it is `row,value...`. Of a folder the last column is
  /// each row's `file`. Where the loss takes logits or logarithms, the numbers are the probabilities
  /// that they stand for. Translations are plain text, a line for each row.
  ///
  /// - Parameters:
  ///   - input: the file.
  ///   - write: takes the text in pieces.
  /// - Returns: the number of rows.
  /// - Throws: what loading the run throws; `FormatError`, `DataError` or `RankFailure` where the
  ///   file cannot be read, or holds no rows for the network; `TensorError` of a pass; what `write`
  ///   throws.
  @discardableResult
  package func predict(_ input: String, write: (String) throws -> Void) throws -> Int {
    try withRows(of: input) { try predict($0, input, $1, files: $2, write: write) }
  }

  /// The attention of the model while it translates the first row of a file, as
  /// ``predict(_:write:)`` takes it.
  ///
  /// - Throws: `UsageError` for a model without attention, or a file without rows.
  package func attention(_ input: String) throws -> AttentionTable {
    try withRows(of: input) { dataset, trained, _ in
      let pass = try pass(dataset, input, trained, batchSize: 1)
      guard let task = trained.task as? any AttentiveTask else {
        throw UsageError(
          "\(OptionName.attention): this kind of model does not tell what it looks at")
      }
      var table: AttentionTable?
      try pass.eachBatch { batch, rows in
        if rows.first == 0 { table = try task.attention(batch).first }
      }
      guard let table else {
        throw UsageError("\(OptionName.attention): the model has no attention, or \(input) no row")
      }
      return table
    }
  }

  /// Opens the rows of a file, or of a folder, whose files the last argument names.
  private func withRows<Result>(
    of input: String, _ body: (any Dataset, LoadedNetwork, [String]?) throws -> Result
  ) throws -> Result {
    let trained = try LoadedNetwork(self, communicator: SingleRank())
    let path = try EmbeddedData.resolve(input)
    if trained.isOfGraph { return try body(GraphDataset(path: path), trained, nil) }
    let file = try SafetensorsFile(path: checkpoint)
    if let raw = try RawInput(
      path, run: file, shape: trained.input.dimensions, use: trained.textUse,
      images: trained.configuration.data.images?.fit)
    {
      return try File.withTemporary("rows.safetensors") { rows in
        try raw.write(to: rows)
        let dataset = try InputDataset(
          path: rows, statistics: nil, names: nil, namesSource: folder)
        return try body(dataset, trained, raw.files)
      }
    }
    let statistics = try TrainingData.statistics(of: [path], over: SingleRank())[path]
    let dataset = try InputDataset(
      path: path, statistics: statistics, names: trained.classNames, namesSource: folder,
      images: trained.configuration.data.images?.fit)
    return try body(dataset, trained, nil)
  }

  /// A pass over the rows in their order.
  private func pass(
    _ dataset: any Dataset, _ input: String, _ trained: LoadedNetwork, batchSize: Int
  ) throws -> ValidationPass {
    try trained.check(dataset, input, source: folder)
    let transform = try TrainingData.transform(of: dataset, trained.configuration)
    try trained.checkValues(of: dataset, transform)
    return ValidationPass(
      task: trained.task, dataset: dataset, transform: transform, context: trained.context,
      batchSize: batchSize, workers: trained.configuration.data.workers)
  }

  private func predict(
    _ dataset: any Dataset, _ input: String, _ trained: LoadedNetwork, files: [String]?,
    write: (String) throws -> Void
  ) throws -> Int {
    let configuration = trained.configuration
    let pass = try pass(
      dataset, input, trained,
      batchSize: min(configuration.validate.batchSize ?? configuration.batchSize, 4096))
    let names = trained.classNames
    var isFirst = true
    try pass.eachBatch { batch, rows in
      let predictions = try trained.task.predictions(batch)
      if isFirst,
        let header = predictions.header(rows: rows.count, names: names, hasFiles: files != nil)
      {
        try write(header + "\n")
      }
      isFirst = false
      try write(
        predictions.lines(rows: rows, names: names, files: files).map { $0 + "\n" }.joined())
    }
    return dataset.count
  }
}
