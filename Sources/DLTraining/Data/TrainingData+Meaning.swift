import DLCluster
import DLCore
import DLData
import DLFormats
import DLTensor

// What the numbers of data stand for, and whether two sets of data mean the same by them.
extension TrainingData {
  /// The statistics that one pass over the data files of a job found, by their paths; the ranks
  /// share the pass.
  ///
  /// - Throws: `RankFailure`, the same on every rank, where a file cannot be read or is damaged.
  package static func statistics(
    _ configuration: Configuration, over communicator: any Communicator
  ) throws
    -> [String: FileStatistics]
  {
    let data = configuration.data
    return try statistics(
      of: [data.train, data.validation].compactMap { $0 }, over: communicator)
  }

  /// The same for any files.
  ///
  /// - Throws: `RankFailure`, the same on every rank, where a file cannot be read or is damaged.
  package static func statistics(of paths: [String], over communicator: any Communicator) throws
    -> [String: FileStatistics]
  {
    // A name that leads to no file is told where the file is opened.
    try FileScan.statistics(of: paths.flatMap(files), over: communicator)
  }

  /// The files of a data set; a name that leads nowhere stays as it is.
  static func files(_ path: String) -> [String] { (try? DataFiles.list(path)) ?? [path] }

  /// The digest of the content of a data set's files, in their order; nil where one has none.
  static func digest(_ path: String, _ statistics: [String: FileStatistics]) -> String? {
    let files = files(path)
    let digests = files.compactMap { statistics[$0]?.digest }
    guard digests.count == files.count else { return nil }
    // Files in another order are other rows.
    return digests.count == 1
      ? digests[0] : String(stableHash(digests.joined(separator: ",")), radix: 16)
  }

  /// The names of the classes as the file has them, or of several the first.
  static func classNames(of dataset: any Dataset) -> ClassNames? {
    ((dataset as? ConcatenatedDataset)?.parts[0] ?? dataset as? TensorFileDataset)?.classNames
  }

  /// The tokenizer as a data set's file holds it; nil where it has none.
  static func tokenizerText(of dataset: any Dataset) throws -> String? {
    try metadata(of: dataset)[TokenizerFile.key]
  }

  /// The metadata of a data set's file; nothing of rows that are no file.
  private static func metadata(of dataset: any Dataset) throws -> [String: String] {
    let path =
      (dataset as? TokenWindowDataset)?.path ?? (dataset as? TensorFileDataset)?.path
      ?? (dataset as? ConcatenatedDataset)?.parts[0].path
      ?? (dataset as? InputDataset)?.path
    return try path.map { try SafetensorsFile(path: $0).metadata } ?? [:]
  }

  /// The way from raw data to the rows of a data set.
  static func preparation(of dataset: any Dataset) throws -> Preparation {
    Preparation(try metadata(of: dataset))
  }

  /// Refuses rows that were made of raw data in another way, such as by another mean.
  static func requirePreparation(
    of dataset: any Dataset, _ path: String, like other: Preparation, source: String
  ) throws {
    let mine = try preparation(of: dataset)
    guard let difference = try mine.difference(from: other, file: path, source: source) else {
      return
    }
    throw DataError(
      "\(path): was not packed as \(source): \(difference); pack both at once, or by \(OptionName.like)",
      exitCode: .data)
  }

  /// Refuses data whose tokens stand for something else than those of `tokenizer`; what does not
  /// say what its tokens are is accepted.
  ///
  /// - Parameters:
  ///   - path: what the data are called.
  ///   - source: where the tokenizer comes from.
  static func requireTokens(
    of dataset: any Dataset, _ path: String, like tokenizer: String?, source: String
  ) throws {
    guard let tokenizer, let mine = try tokenizerText(of: dataset),
      let difference = try VocabularyComparison.difference(
        mine, tokenizer, file: path, source: source)
    else { return }
    throw DataError(
      "\(path): its vocabulary is not that of \(source): \(difference); "
        + "pack it by dltrain data pack with \(OptionName.like), or with the data it belongs to",
      exitCode: .data)
  }

  /// Refuses nodes of another graph than the one that a network is trained on.
  static func requireGraph(of dataset: any Dataset, _ path: String, like graph: GraphFile?) throws {
    guard let graph, let other = dataset as? GraphDataset, other.graph != graph else { return }
    throw DataError(
      "\(path): is another graph than the one trained on, whose nodes alone have outputs; "
        + "name the same file and mark its nodes", exitCode: .data)
  }

  /// Returns whether rows have the shape and type of others; sentences that are filled up may be
  /// longer or shorter.
  static func areAlike(_ a: any Dataset, _ b: any Dataset) -> Bool {
    guard a.inputType == b.inputType, a.labelType == b.labelType else { return false }
    if a.inputType == .int32, a.rowLengths != nil, b.rowLengths != nil {
      return a.inputShape.count == b.inputShape.count && a.labelShape.count == b.labelShape.count
    }
    return a.inputShape == b.inputShape && a.labelShape == b.labelShape
  }
}
