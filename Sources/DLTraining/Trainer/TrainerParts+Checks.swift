import DLCluster
import DLData
import DLLayers
import DLTensor

extension Dataset {
  /// A row of zeros, as a task would get it.
  ///
  /// - Parameter type: the type of the inputs.
  func rowOfZeros(inputs type: DType, context: Context) throws -> Batch {
    let x = try Tensor.zeros(
      Shape(inputShape).prepending(1), dtype: type, context: context)
    let y = try Tensor.zeros(
      Shape(labelShape).prepending(1), dtype: labelType == .int32 ? .int32 : context.precision,
      context: context)
    return Batch(x: x, y: y)
  }
}

// Losses that would train on without learning what is meant.
extension TrainerParts {
  /// Whether the task learns by the configuration's loss.
  private var usesLoss: Bool {
    task is SupervisedTask || task is StatefulTask || task is GraphTask
  }

  /// Refuses labels that are values where no loss is named: as probabilities of classes, which the
  /// default takes, they are rarely meant.
  func requireLoss(_ configuration: Configuration) throws {
    guard usesLoss, !configuration.loss.isChosen, data.train.labelType == .float32 else { return }
    let path = configuration.data.train ?? "data.train"
    throw DataError(
      "loss: is not given, and y of \(path) has F32 values; name one, as loss: mse for numbers, "
        + "loss: bce_with_logits for yes and no, loss: cross_entropy for a probability of each class"
    )
  }

  /// Refuses a single output under a loss of classes, which is 0 whatever the network learns.
  func requireOutputs(_ outputs: Int, _ configuration: Configuration) throws {
    guard outputs == 1, configuration.loss.loss is any ClassLoss else { return }
    let last = configuration.model.layers?.last
    let line = last.map(\.line) ?? 0
    let place = line > 0 ? " (line \(line): \(last?.word ?? ""))" : ""
    throw TensorError(
      op: "model",
      "has one output\(place), and \(configuration.loss.word) is 0 for whatever it is; give the last "
        + "layer an output for each class, or a loss for single values: bce_with_logits for yes and "
        + "no, mse for numbers")
  }
}
