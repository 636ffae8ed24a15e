import DLConfiguration
import DLData

extension Sampler.Order: ConfigurationWord {}
extension Sampler.LastBatch: ConfigurationWord {}

/// The source of rows and their preparation.
package struct DataConfiguration: ConfigurationSection {
  /// The training set; a relative path starts from the folder of the configuration's file, in an
  /// override of the command line from the working directory.
  package var train: String?
  /// The validation set.
  package var validation: String?
  /// Parts of the training set, one of which takes the place of a validation set; nil for none.
  package var folds: FoldsConfiguration?
  /// The number of classes; from the labels unless given.
  package var classes: Int?
  /// Tokens per row, where the data are one long row of them.
  package var window: Int?
  /// The size that images are brought to while they are read; nil where they have one.
  package var images: ImagesConfiguration?
  /// Subtracted and divided by, per channel.
  package var normalize: NormalizeConfiguration?
  /// Random changes of images while training, in their order.
  package var augment: [AugmentConfiguration] = []
  /// The mixing of a batch's rows with each other while training; nil for none.
  package var mix: MixConfiguration?
  /// Rows of a batch that each image gives, each changed on its own.
  package var repeats = 1
  /// The order of rows within an epoch.
  package var order = Sampler.Order.shuffled
  /// Draws of rows by the weights of their classes, instead of a permutation; nil for that.
  package var sampler: SamplerConfiguration?
  /// Random rows instead of files.
  package var synthetic: SyntheticConfiguration?
  /// Threads of each rank that read rows ahead; 0 to read them when they are needed.
  package var workers = 1
  /// The fate of a short last batch.
  package var lastBatch = Sampler.LastBatch.keep

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "train", \.train, .path(unless: EmbeddedData.prefix).several,
        "training set, a safetensors file of x and y, a list or pattern of files, or a folder of "
          + "pictures"),
      .init(
        "validation", \.validation, .path(unless: EmbeddedData.prefix).several,
        "validation set, a safetensors file of x and y, a list or pattern of files, or a folder of "
          + "pictures"),
      .init("folds", \.folds, "parts of the training set, one of which is validated on instead"),
      .init("classes", \.classes, .within(1...16_777_216), "classes; from the labels unless given"),
      .init("window", \.window, .within(1...1_048_576), "tokens per row of a text"),
      .init("images", \.images, "size that images of any size are brought to while they are read"),
      .init("normalize", \.normalize, "mean and std per channel, or auto for the training set's"),
      .init("augment", \.augment, "random changes of images while training, in their order"),
      .init("mix", \.mix, "mixes rows of a batch with each other while training"),
      .init(
        "repeats", \.repeats, .within(1...64),
        "rows of a batch that each image gives, each changed by augment on its own"),
      .init("order", \.order, "order of rows within an epoch"),
      .init(
        "sampler", \.sampler,
        "draws of rows by the weights of their classes, for classes of unequal size"),
      .init(
        "workers", \.workers, .within(0...64),
        "threads of each rank that read rows ahead; 0 to read them when they are needed"),
      .init("synthetic", \.synthetic, "random rows instead of files, for benchmarks and tests"),
      .init("last_batch", \.lastBatch, "what becomes of the rows that do not fill the last batch"),
    ]
  }

  /// Rows come from files or are made up, those to validate on from a file or from the others.
  package static var alternatives: [[String]] {
    [["train", "synthetic"], ["validation", "folds"]]
  }

  /// Keys that came later.
  package static var unwrittenDefaults: Set<String> {
    ["folds", "sampler", "images", "mix", "workers"]
  }

  package func problems() -> [ConfigurationProblem] {
    var problems: [ConfigurationProblem] = []
    if train == nil, synthetic == nil {
      problems.append(
        .init("train", "synthetic", message: "no data: give data.train, or data.synthetic"))
    }
    if train != nil, synthetic != nil {
      problems.append(
        .init("synthetic", "train", message: "give either data.train or data.synthetic"))
    }
    if validation != nil, folds != nil {
      problems.append(
        .init("folds", "validation", message: "give either data.validation or data.folds"))
    }
    if sampler != nil, order != .shuffled {
      problems.append(
        .init(
          "sampler", "order",
          message: "draws rows at random, the order is \(order.rawValue): leave one of them out"))
    }
    if images != nil, synthetic != nil {
      problems.append(
        .init("images", "synthetic", message: "made-up rows have their shape: leave images out"))
    }
    if repeats > 1, augment.isEmpty {
      problems.append(
        .init("repeats", "augment", message: "repeats rows that nothing changes: give data.augment")
      )
    }
    return problems
  }
}

/// Random rows with random labels, or random tokens each of which is to predict the next.
package struct SyntheticConfiguration: ConfigurationSection {
  /// The shape of one row: `[height, width, channels]` or `[features]`.
  package var shape: [Int]?
  /// The number of classes.
  package var classes: Int?
  /// Tokens per row, in the place of a shape.
  package var tokens: Int?
  /// The number of different tokens.
  package var vocabulary: Int?
  /// The number of rows.
  package var rows = 1024

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("shape", \.shape, .within(1...1_048_576), "shape of one row"),
      .init("classes", \.classes, .within(1...16_777_216), "number of classes"),
      .init("tokens", \.tokens, .within(1...1_048_576), "tokens per row, in the place of a shape"),
      .init("vocabulary", \.vocabulary, .within(1...16_777_216), "number of different tokens"),
      .init("rows", \.rows, .atLeast(1), "number of rows"),
    ]
  }

  /// Keys of the kind of rows that is not asked for.
  package static var unwrittenDefaults: Set<String> {
    ["shape", "classes", "tokens", "vocabulary"]
  }

  package func problems() -> [ConfigurationProblem] {
    switch (shape, classes, tokens, vocabulary) {
    case (let shape?, .some, nil, nil): return problems(of: shape)
    case (nil, nil, let tokens?, .some): return problems(of: [tokens])
    default:
      return [
        .init(
          "shape", "classes", "tokens", "vocabulary",
          message: "give shape and classes, or tokens and vocabulary")
      ]
    }
  }

  private func problems(of shape: [Int]) -> [ConfigurationProblem] {
    if shape.isEmpty || shape.count > 7 {
      return [.init("shape", message: "expected 1 to 7 sizes, found \(shape.count)")]
    }
    // Every factor is below 2^31, so the product in floating point cannot miss an overflow.
    let elements = shape.reduce(Double(rows)) { $0 * Double($1) }
    guard elements > 1e12 else { return [] }
    let key = tokens == nil ? "shape" : "tokens"
    return [.init(key, "rows", message: "\(elements) elements in all: too many")]
  }
}
