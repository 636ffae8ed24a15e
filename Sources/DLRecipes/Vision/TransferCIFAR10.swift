extension Recipe {
  /// A small convolutional network for five classes of CIFAR-10, of which few images are known.
  static let transferCIFAR10 = Recipe(
    name: "transfer-cifar10",
    summary: "five classes of CIFAR-10 by a small network, for pre-training and fine-tuning",
    standIn: (inputShape: [32, 32, 3], classes: 5),
    dataHelp:
      "pack the images by `dltrain data pack images cifar10-images.tar.gz -o cifar10`, five classes of "
      + "them by `dltrain data pack subset cifar10/train.safetensors --classes "
      + "airplane,automobile,bird,cat,deer -o transfer/first.safetensors` and `dltrain data pack subset "
      + "cifar10/test.safetensors --classes airplane,automobile,bird,cat,deer -o "
      + "transfer/first-test.safetensors`, then add --set "
      + "data.train=transfer/first.safetensors --set data.validation=transfer/first-test.safetensors",
    notes: "The study transfer fine-tunes it on 50 images of each of the other five classes.",
    yaml: """
      name: transfer-cifar10
      data:
        normalize: {mean: [0.4914, 0.4822, 0.4465], std: [0.2470, 0.2435, 0.2616]}
        augment: [{pad_crop: {padding: 4}}, flip]
      model:
        blocks:
          unit:
            parameters: {out: null}
            layers: [{conv2d: {out: $out, kernel: 3, padding: 1, bias: false}}, batch_norm, relu]
        layers:
          - {unit: {out: 24}}
          - {unit: {out: 24}}
          - {max_pool2d: {kernel: 2}}
          - {unit: {out: 48}}
          - {unit: {out: 48}}
          - {max_pool2d: {kernel: 2}}
          - {unit: {out: 96}}
          - {unit: {out: 96}}
          - global_avg_pool2d
          - {linear: {out: 5}}
      loss: cross_entropy
      optimizer: {name: sgd, lr: 0.05, momentum: 0.9, weight_decay: 5.0e-4}
      schedule: {name: cosine, warmup_epochs: 1}
      batch_size: 64
      epochs: 10
      """)
}
