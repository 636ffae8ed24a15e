/// The texts that the recipes on CIFAR-10 share.
enum CIFAR10 {
  /// Rows that stand in for the data.
  static let standIn = (inputShape: [32, 32, 3], classes: 10)
  /// The way to the data.
  static let help =
    "pack the images by `dltrain data pack images cifar10-images.tar.gz -o cifar10`, then add "
    + "--set data.train=cifar10/train.safetensors --set data.validation=cifar10/test.safetensors"
  /// The data of a job: normalized, padded and cropped, flipped.
  static let data = """
    data:
      normalize: {mean: [0.4914, 0.4822, 0.4465], std: [0.2470, 0.2435, 0.2616]}
      augment: [{pad_crop: {padding: 4}}, flip]
    """
  /// The keys of a job's training: momentum and weight decay, one cycle.
  static func training(lr: Double, epochs: Int) -> String {
    """
    loss: cross_entropy
    optimizer: {name: sgd, lr: \(lr), momentum: 0.9, nesterov: true, weight_decay: 5.0e-4}
    schedule: {name: one_cycle, pct_start: 0.2}
    batch_size: 128
    epochs: \(epochs)
    """
  }
}
