import DLTrain

final class MyModel: Module, Layer {
  let conv1 = Conv2d(inputChannels: 1, outputChannels: 16, kernelSize: 3, padding: 1)
  let norm1 = BatchNorm(features: 16)
  let conv2 = Conv2d(inputChannels: 16, outputChannels: 32, kernelSize: 3, padding: 1)
  let norm2 = BatchNorm(features: 32)
  let head = Linear(inputFeatures: 32, outputFeatures: 10)

  func forward(_ x: Tensor) throws -> Tensor {
    let y = try norm1(conv1(x)).relu().maxPool2d(Window2d(kernel: 2, stride: 2))
    return try head(norm2(conv2(y)).relu().globalAvgPool2d())
  }
}

TrainingProgram.main(
  defaults: """
    name: my-model
    data: {train: embedded:digits-train, validation: embedded:digits-validation, normalize: {mean: [0.3], std: [0.37]}}
    optimizer: {name: sgd, lr: 0.1, momentum: 0.9}
    schedule: {name: cosine, warmup_epochs: 1}
    batch_size: 64
    epochs: 10
    """
) { _, _ in MyModel() }
