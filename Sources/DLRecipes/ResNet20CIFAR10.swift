extension Recipe {
  /// ResNet-20 on CIFAR-10 by a short one-cycle schedule, its convolutions by Muon.
  ///
  /// A batch holds each of its images with its mirror image (Hoffer and others 2020, "Augment Your
  /// Batch"), crops have reflected borders (Jordan 2024, "94% on CIFAR-10 in 3.29 Seconds on a Single
  /// GPU").
  ///
  /// The paper's own schedule (He et al. 2016, section 4.2) is what ``notes`` tells of.
  static let resnet20CIFAR10 = Recipe(
    name: "resnet20-cifar10",
    summary:
      "ResNet-20 with SyncBN on CIFAR-10, pad-and-crop and flip, one cycle of 15 epochs",
    standIn: (inputShape: [32, 32, 3], classes: 10),
    dataHelp:
      "pack the images by `dltrain data pack images cifar10-images.tar.gz -o cifar10`, then add "
      + "--set data.train=cifar10/train.safetensors --set data.validation=cifar10/test.safetensors",
    notes:
      "The paper's network and schedule, 91.25% after 182 epochs: --set epochs=182 "
      + "--set data.repeats=1 --set model.shortcut=pad --set loss=cross_entropy "
      + "--set 'data.augment=[{pad_crop: {padding: 4}}, flip]' "
      + "--set 'optimizer={name: sgd, lr: 0.1, momentum: 0.9, weight_decay: 1.0e-4}' "
      + "--set 'schedule={name: multi_step, milestone_epochs: [91, 136], gamma: 0.1}'",
    yaml: """
      name: resnet20-cifar10
      data:
        normalize: {mean: [0.4914, 0.4822, 0.4465], std: [0.2470, 0.2435, 0.2616]}
        augment: [{pad_crop: {padding: 2, padding_mode: reflect}}, alternating_flip]
        repeats: 2
      model: {name: resnet_cifar, depth: 20, shortcut: projection}
      loss: {cross_entropy: {label_smoothing: 0.1}}
      optimizer:
        name: muon
        lr: 0.015
        momentum: 0.95
        weight_decay: 0.05
        groups: [{match: "norm|fc.*", name: sgd, lr: 0.05, weight_decay: 5.0e-4}]
      schedule: {name: one_cycle, pct_start: 0.15}
      batch_size: 128
      epochs: 15
      """)
}
