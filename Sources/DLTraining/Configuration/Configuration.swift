import DLCluster
import DLConfiguration
import DLCore
import DLLayers
import DLTensor

/// A training job as its file gives it, with every default filled in.
public struct Configuration: ConfigurationSection {
  /// The consequence of a non-finite loss or gradient.
  package enum NonFinite: String, ConfigurationWord { case stop, skip }

  /// The job's name.
  public var name: String?
  /// Keys every random number of the run.
  public var seed: UInt64 = 1
  /// The source of the rows.
  package var data = DataConfiguration()
  /// The network.
  public var model = ModelConfiguration()
  /// Weights to start from; nil for those of the model's own start.
  package var initialWeights: InitConfiguration?
  /// The loss.
  package var loss = LossConfiguration(CrossEntropy(), isChosen: false)
  /// The update rule.
  package var optimizer = OptimizerConfiguration()
  /// The update rules of the parts of a model that have one of their own, by the part's name.
  package var optimizers: [String: OptimizerConfiguration] = [:]
  /// The learning rate over time.
  package var schedule = ScheduleConfiguration()
  /// A mean of the weights beside them; nil for none.
  package var average: AverageConfiguration?
  /// Learning rates that grow with the batch; nil for rates as they are written.
  package var scaleLR: ScaleLRConfiguration?
  /// Steps that each rank makes by itself; nil for none.
  package var localSGD: LocalSGDConfiguration?
  /// Rows per optimizer step over all ranks.
  public var batchSize = 32
  /// Micro-batches per optimizer step.
  public var accumulate = 1
  /// The shares of the ranks in the rows of a micro-batch; even ones unless given.
  package var shares: [Int]?
  /// Attacks on the inputs of each step; nil for none.
  package var adversarial: AdversarialConfiguration?
  /// The length of the run in epochs; nil where steps are given.
  public var epochs: Double?
  /// The length of the run in optimizer steps.
  public var steps: Int?
  /// The type that the job computes in.
  package var precision = Precision.float32
  /// The code that carries out matrix products and convolutions.
  package var engine = Engine.native
  /// Ranks that the job is laid out for, over any number of processes that divides them.
  package var virtualRanks: Int?
  /// The choice of whether gradients go between hosts while the backward pass runs.
  package var overlap = Overlap.auto
  /// The megabytes of gradients that go together then, a larger parameter by itself.
  package var bucketCapMB = 25.0
  /// True if batch norm takes its statistics over all ranks.
  package var syncBatchNorm = true
  /// The compression of gradients between hosts.
  package var compression = CompressionConfiguration()
  /// When to write checkpoints.
  package var checkpoint = CheckpointConfiguration()
  /// When to validate.
  package var validate = ValidateConfiguration()
  /// The consequence of a non-finite loss or gradient.
  package var nonFinite = NonFinite.stop
  /// The times that the job may stand still, and a host be silent.
  package var watchdog = WatchdogConfiguration()
  /// The checks against silent changes of memory.
  package var integrity = IntegrityConfiguration()

  /// Makes the section with its defaults.
  public init() {}

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("name", \.name, "name of the job"),
      .init("seed", \.seed, "keys every random number of the run"),
      .init("data", \.data, required: true, "where rows come from, as in data: {train: FILE}"),
      .init("model", \.model, required: true, "the network, as in model: {name: lenet5}"),
      .init("init", \.initialWeights, "weights to start from, as in init: {from: FILE}"),
      .init("loss", \.loss, "loss, as in loss: mse or loss: {huber: {delta: 2}}"),
      .init("optimizer", \.optimizer, "update rule"),
      .init(
        "optimizers", \.optimizers, "update rules of parts of the model, as {generator: {...}}"),
      .init("schedule", \.schedule, "learning rate over time"),
      .init("average", \.average, "mean of the weights for validation, evaluation and export"),
      .init("scale_lr", \.scaleLR, "learning rates times batch_size / base_batch"),
      .init("local_sgd", \.localSGD, "steps of each rank by itself between averagings"),
      .init("batch_size", \.batchSize, .atLeast(1), "rows per optimizer step, over all ranks"),
      .init("accumulate", \.accumulate, .atLeast(1), "micro-batches per optimizer step"),
      .init("shares", \.shares, .atLeast(0), "rows of a micro-batch per rank, as proportions"),
      .init("adversarial", \.adversarial, "attacks on the inputs of each step"),
      .init("epochs", \.epochs, .within(0...1e9), "length in epochs; 1 where steps are not given"),
      .init("steps", \.steps, .within(0...1e15), "length in optimizer steps, instead of epochs"),
      .init(
        "precision", \.precision,
        "type that the job computes in; bfloat16 is that of products, the rest is float32"),
      .init("engine", \.engine, "what carries out matrix products and convolutions"),
      .init(
        "virtual_ranks", \.virtualRanks, .within(1...4096), "ranks that the job is laid out for"),
      .init(
        "overlap", \.overlap,
        "whether gradients go between hosts during backward; auto where a core is left for it"),
      .init(
        "bucket_cap_mb", \.bucketCapMB, .within(0.001...65536),
        "megabytes of gradients that go together during backward"),
      .init("sync_batch_norm", \.syncBatchNorm, "batch norm takes its statistics over all ranks"),
      .init("compression", \.compression, "compression of gradients between hosts"),
      .init("checkpoint", \.checkpoint, "when to write checkpoints"),
      .init("validate", \.validate, "when to validate"),
      .init("non_finite", \.nonFinite, "what a non-finite loss or gradient leads to"),
      .init("watchdog", \.watchdog, "how long the job may stand still, and a host be silent"),
      .init("integrity", \.integrity, "checks against silent changes of memory"),
    ]
  }

  /// The job's name: its own, or that of its model.
  package var runName: String { name ?? model.name ?? "train" }

  /// The sections that are not written where a job does not use them.
  public static var unwrittenDefaults: Set<String> { ["init", "adversarial", "engine"] }

  /// The length of a run is given in one unit.
  public static var alternatives: [[String]] { [["epochs", "steps"]] }

  /// Completes defaults that depend on other values.
  public mutating func resolve(given: Set<String>) {
    if epochs == nil, steps == nil { epochs = 1 }
  }

  /// Faults that concern several keys at once.
  public func problems() -> [ConfigurationProblem] {
    var problems: [ConfigurationProblem] = []
    if epochs != nil, steps != nil {
      problems.append(.init("steps", "epochs", message: "give either epochs or steps"))
    }
    if accumulate > batchSize {
      let message =
        "\(counted(accumulate, "micro-batch", "micro-batches")) of a batch of \(counted(batchSize, "row")): some would be empty"
      problems.append(.init("accumulate", "batch_size", message: message))
    }
    if let shares, shares.allSatisfy({ $0 == 0 }) {
      problems.append(.init("shares", message: "at least one rank must have a share above 0"))
    }
    if let shares, let virtualRanks, shares.count != virtualRanks {
      let message = "\(counted(shares.count, "share")) for \(virtualRanks) virtual ranks"
      problems.append(.init("shares", "virtual_ranks", message: message))
    }
    if precision == .bfloat16, engine == .blas {
      problems.append(
        .init(
          "engine", "precision", message: "OpenBLAS has no products of bfloat16; use engine: native"
        ))
    }
    return problems + conflicts()
  }
}

extension Configuration {
  /// The demand of a layout for other ranks than there are processes.
  var layoutDemands: [Demand] {
    guard virtualRanks != nil else { return [] }
    return [Demand(key: "virtual_ranks", name: "virtual_ranks", needs: [.layoutIndependence])]
  }
}

extension Engine: ConfigurationWord {}
