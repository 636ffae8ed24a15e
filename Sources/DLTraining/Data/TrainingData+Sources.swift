import DLConfiguration
import DLCore
import DLData
import DLFormats
import DLLayers

/// The purposes that a data set is opened for.
public enum DataRole: Sendable {
  /// To be trained on.
  case training
  /// To choose the best checkpoint by.
  case validation
  /// To be evaluated on.
  case test
}

/// A data set that a job asks for.
public struct DataRequest: Sendable {
  /// The name that the user gave.
  public let path: String
  /// The purpose of the data set.
  public let role: DataRole
  /// The job.
  public let configuration: Configuration
  /// The number of classes; the configuration's or the file's unless given.
  let classes: Int?
  /// The statistics that a pass over files found, by their paths.
  let statistics: [String: FileStatistics]
  /// The names that the numbers of classes shall stand for; the file's own unless given.
  let names: ClassNames?
  /// The source of these names.
  let namesSource: String

  /// The files that the name led to when it was asked for: all that is opened is of one moment.
  private let found: Result<[String], any Error>

  init(
    path: String, role: DataRole, configuration: Configuration, classes: Int?,
    statistics: [String: FileStatistics], names: ClassNames?, namesSource: String
  ) {
    (self.path, self.role, self.configuration, self.classes) = (path, role, configuration, classes)
    (self.statistics, self.names, self.namesSource) = (statistics, names, namesSource)
    found = Result { try DataFiles.list(path) }
  }

  /// The file that the name leads to, of several the first.
  public var file: String { get throws { try files[0] } }
  /// The files that the name leads to.
  var files: [String] { get throws { try found.get() } }

  /// Refuses several files of a kind whose rows belong together.
  fileprivate func requireOneFile(_ what: String) throws {
    guard try files.count > 1 else { return }
    throw DataError("\(path): \(what) is one file, name it alone", exitCode: .data)
  }

  /// Opens it by the first source whose kind it is.
  func open() throws -> any Dataset {
    for source in DataSources.all {
      if let dataset = try source.open(self) { return dataset }
    }
    throw DataError("\(path): is of no kind that is known, pack it by dltrain data pack")
  }
}

/// A kind of data sets, which says itself what is one.
public protocol DataSource {
  /// Opens the data set; nil where it is of another kind.
  ///
  /// - Throws: `FormatError`, `DataError` for one of its kind that is damaged or does not fit.
  static func open(_ request: DataRequest) throws -> (any Dataset)?
}

/// The kinds of data sets that a job can open, asked in turn.
public enum DataSources {
  /// The kinds of dltrain, the last one any other file: a new one adds its line here.
  package static var builtIn: [any DataSource.Type] {
    [
      SyntheticSource.self,
      GraphSource.self,
      TokenSource.self,
      TensorSource.self,
    ]
  }

  private static let registry = TurnRegistry(builtIn)

  /// Adds a kind of a program's own, which is asked before the others, the last one added first.
  public static func register(_ source: any DataSource.Type) { registry.register(source) }

  static var all: [any DataSource.Type] { registry.all }
}

/// Rows that are made, where `data.synthetic` asks for them.
enum SyntheticSource: DataSource {
  static func open(_ request: DataRequest) throws -> (any Dataset)? {
    let configuration = request.configuration
    guard request.role == .training, let synthetic = configuration.data.synthetic else {
      return nil
    }
    let seed = Int(clamping: configuration.seed)
    if let tokens = synthetic.tokens {
      return try SyntheticTokenDataset(
        tokens: tokens, vocabulary: synthetic.vocabulary ?? 1, count: synthetic.rows, seed: seed)
    }
    return try SyntheticDataset(
      shape: synthetic.shape ?? [], classes: synthetic.classes ?? 1, count: synthetic.rows,
      seed: seed)
  }
}

/// Nodes of a graph: a file with a table of features.
enum GraphSource: DataSource {
  static func open(_ request: DataRequest) throws -> (any Dataset)? {
    let file = try request.file
    guard try GraphFile.isGraph(file) else { return nil }
    try request.requireOneFile("a graph")
    let split: GraphFile.Split =
      switch request.role {
      case .training: .train
      case .validation: .validation
      case .test: .test
      }
    return try GraphDataset(path: file, split: split)
  }
}

/// Windows of one long row of tokens.
enum TokenSource: DataSource {
  static func open(_ request: DataRequest) throws -> (any Dataset)? {
    let (file, configuration, role) = (try request.file, request.configuration, request.role)
    guard try TokenWindowDataset.isTokenFile(file) else { return nil }
    try request.requireOneFile("a text")
    guard let window = configuration.data.window else {
      throw DataError(
        "\(request.path): holds one long row of tokens, give data.window", exitCode: .usage)
    }
    let rows =
      role == .training
      ? configuration.batchSize : configuration.validate.batchSize ?? configuration.batchSize
    let windows: TokenWindowDataset.Windows =
      switch (configuration.data.order, role) {
      case (.sequential, _): .streams(count: rows)
      case (_, .training): .everyOffset
      case (_, .validation), (_, .test): .disjoint
      }
    return try TokenWindowDataset(
      path: file, window: window, windows: windows, statistics: request.statistics[file])
  }
}

/// Rows of tensors x and y: every other file.
enum TensorSource: DataSource {
  static func open(_ request: DataRequest) throws -> (any Dataset)? {
    let files = try request.files
    let first = try open(files[0], request)
    return files.count == 1 ? first : try open(files, request, first: first)
  }

  private static func open(
    _ file: String, _ request: DataRequest, classes: Int? = nil, names: ClassNames? = nil,
    namesSource: String? = nil
  ) throws -> TensorFileDataset {
    try TensorFileDataset(
      path: file, classes: classes ?? request.classes ?? request.configuration.data.classes,
      ignoredLabel: request.configuration.ignoredLabel, statistics: request.statistics[file],
      images: request.configuration.data.images?.fit, names: names ?? request.names,
      namesSource: namesSource ?? request.namesSource)
  }

  /// Several files as one set: their numbers stand for the same, by the names of the first.
  private static func open(_ files: [String], _ request: DataRequest, first: TensorFileDataset)
    throws
    -> ConcatenatedDataset
  {
    let names = request.names ?? first.classNames
    func open(classes: Int?) throws -> [TensorFileDataset] {
      try files.map { file in
        try Self.open(
          file, request, classes: classes, names: names,
          namesSource: request.names == nil ? first.path : nil)
      }
    }
    var parts = try open(classes: nil)
    // Without names a file has as many classes as its labels tell; together they have the most.
    let most = parts.compactMap(\.classCount).max()
    if names == nil, parts.contains(where: { $0.classCount != most }) {
      parts = try open(classes: most)
    }
    let (tokenizer, preparation) = try (
      TrainingData.tokenizerText(of: first), TrainingData.preparation(of: first)
    )
    for part in parts.dropFirst() {
      guard (part.classNames == nil) == (first.classNames == nil) else {
        throw DataError(
          "\(part.path): has \(part.classNames == nil ? "no " : "")class names, unlike \(first.path); "
            + "pack them alike", exitCode: .data)
      }
      try TrainingData.requireTokens(of: part, part.path, like: tokenizer, source: first.path)
      try TrainingData.requirePreparation(
        of: part, part.path, like: preparation, source: first.path)
    }
    return try ConcatenatedDataset(parts)
  }
}

extension Configuration {
  /// The label that does not count: that of the last layer, where it has a loss of its own, or that of
  /// the loss.
  fileprivate var ignoredLabel: Int32? {
    if let field = model.layers?.last?.options as? CRF.Options {
      return Int32(clamping: field.ignoreIndex)
    }
    return (loss.loss as? any ClassLoss)?.ignoreIndex
  }
}
