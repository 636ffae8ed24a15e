// What a course begins with, in seconds on embedded data.
extension Recipe {
  /// Softmax regression: one linear layer and cross-entropy.
  static let softmaxRegression = Recipe(
    name: "softmax-regression", summary: "one linear layer on handwritten digits (embedded)",
    standIn: (inputShape: [8, 8, 1], classes: 10),
    yaml: """
      name: softmax-regression
      data:
        train: embedded:digits-train
        validation: embedded:digits-validation
        normalize: auto
      model: {layers: [flatten, {linear: {out: 10}}]}
      loss: cross_entropy
      optimizer: {name: sgd, lr: 0.05, momentum: 0.9}
      batch_size: 64
      epochs: 30
      """)

  /// The Gaussian generative classifier with one covariance, in closed form.
  static let gaussianDigits = Recipe(
    name: "gaussian-digits",
    summary:
      "Gaussian classifier of shared covariance, by one pass of sums (embedded digits)",
    standIn: (inputShape: [8, 8, 1], classes: 10),
    notes: "model.ridge keeps the covariance invertible: some pixels are blank in all rows.",
    yaml: """
      name: gaussian-digits
      data:
        train: embedded:digits-train
        validation: embedded:digits-validation
        normalize: auto
      model: {name: gaussian, ridge: 0.01}
      batch_size: 1437
      steps: 1
      precision: float64
      """)

  /// Ten linear support vector machines, each class against the rest.
  static let svmDigits = Recipe(
    name: "svm-digits",
    summary: "linear SVM, each digit against the rest, by hinge loss (embedded)",
    standIn: (inputShape: [8, 8, 1], classes: 10),
    notes: "weight_decay is 1 / (C · rows) with C = 1, as scikit-learn's LinearSVC has it.",
    yaml: """
      name: svm-digits
      data:
        train: embedded:digits-train
        validation: embedded:digits-validation
      model: {layers: [flatten, {linear: {out: 10}}]}
      loss: {hinge: {squared: true}}
      optimizer: {name: sgd, lr: 0.02, momentum: 0.95, nesterov: true, weight_decay: 6.9589422e-4}
      batch_size: 1437
      steps: 3000
      precision: float64
      validate: {every_steps: 500}
      """)

  /// A perceptron with two hidden layers.
  static let mlpDigits = Recipe(
    name: "mlp-digits",
    summary: "perceptron of two hidden layers on handwritten digits (embedded)",
    standIn: (inputShape: [8, 8, 1], classes: 10),
    yaml: """
      name: mlp-digits
      data:
        train: embedded:digits-train
        validation: embedded:digits-validation
        normalize: auto
      model: {name: mlp, hidden: 64, depth: 2}
      loss: cross_entropy
      optimizer: {name: adam, lr: 0.001}
      batch_size: 64
      epochs: 20
      """)

  /// A curve as a sum of bent units.
  static let curve = Recipe(
    name: "curve", summary: "a curve as a sum of sigmoids: y = sin(3x) + 0.5 sin(7x) (embedded)",
    notes: "model.activation=hardsigmoid or relu for other units, model.hidden for their number.",
    yaml: """
      name: curve
      data: {train: embedded:curve-train, validation: embedded:curve-validation}
      model: {name: mlp, hidden: 32, activation: sigmoid}
      loss: mse
      optimizer: {name: adam, lr: 0.05}
      schedule: {name: cosine}
      batch_size: 32
      epochs: 500
      validate: {every_epochs: 20}
      """)
}
