import DLData
import DLLayers
import DLTensor

/// The facts that a task is made from.
public struct TaskInput {
  /// The job.
  public let configuration: Configuration
  /// The shape of one input row; for a graph that of one node's features.
  public let inputShape: Shape
  /// The number of classes, or of words; nil where labels are values.
  public let classes: Int?
  /// The tokenizer of the data's tokens, where they are text.
  package let tokenizer: (any Tokenizer)?
  /// This rank's context.
  public let context: Context
}

/// Makes a rank's task; every rank makes the same.
public typealias TaskFactory = @Sendable (TaskInput) throws -> any TrainingTask

/// Makes the network of a job for inputs of shape `[batch] + input`.
public typealias ModelFactory = @Sendable (_ input: Shape, _ classes: Int?) throws -> any Layer

extension TaskInput {
  /// The network that the configuration names.
  ///
  /// - Throws: `TensorError` where there is none, or it does not take such inputs.
  public func network() throws -> Module {
    if let layers = configuration.model.layers {
      return try LayerConfiguration.chain(layers, input: inputShape)
    }
    guard let options = configuration.model.options else {
      throw TensorError(op: "model", "no network: give model.name or model.layers")
    }
    return try options.network(for: inputShape, classes: classes)
  }

  /// A factory of tasks around the configuration's network, or around one of one's own.
  package static func factory(model: ModelFactory? = nil) -> TaskFactory {
    { input in try input.task(model?(input.inputShape, input.classes) ?? input.network()) }
  }

  /// The task that fits a network by what it is, the first of those in ``TaskRegistry`` that takes it.
  ///
  /// - Throws: `TensorError` for a network that nothing here trains, or whose inputs have not the
  ///   views that are asked for.
  public func task(_ network: Module) throws -> any TrainingTask {
    let views = configuration.validate.views
    guard views == .one || network is any Layer && views.fit(inputShape) else {
      throw TensorError(
        op: "validate.views",
        "\(views.rawValue): the network does not take images of several pixels; use one")
    }
    for type in TaskRegistry.all {
      if let task = try type.make(network, self) { return task }
    }
    throw TensorError(op: "model", "\(type(of: network)) is no layer; give a task that trains it")
  }
}

extension Configuration {
  /// Refuses a loss other than the default where the model brings its own.
  func requireNoLoss(_ model: String) throws {
    guard loss != Configuration().loss else { return }
    throw TensorError(op: "loss", "\(model) has a loss of its own; leave out \(loss.word)")
  }
}
